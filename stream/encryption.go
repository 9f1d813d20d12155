package stream

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// Encryption can be started so many times in a period, and stopped as often.
const (
	maxEncryptionChanges = 25
	encryptionPeriod     = 24 * time.Hour
)

// EncryptionLimitError says that encryption was started, or stopped, too often.
type EncryptionLimitError struct {
	Operation string // AWS's name of what was asked
	Limit     int    // in a day
}

func (e *EncryptionLimitError) Error() string {
	return fmt.Sprintf("%s was accepted %d times in %s", e.Operation, e.Limit, encryptionPeriod)
}

// StartEncryption sends a stream through UPDATING to encryption: the records that are put from then on are encrypted
// at rest (cipher.go) and say so for ever. The key id is a label that is kept and shown; no service is asked for it.
//
// Errors: NotFoundError, StateError, EncryptionLimitError.
func (s *Service) StartEncryption(ctx context.Context, name Name, keyID string) error {
	return s.beginUpdate(ctx, name, func(next *live) (change, error) {
		if next.secret == nil {
			next.secret = make([]byte, secretBytes)
			rand.Read(next.secret)
		}
		return change{KeyID: &keyID}, s.countEncryption(next, "StartStreamEncryption")
	})
}

// StopEncryption sends a stream through UPDATING to no encryption, which it may have had none of. What was encrypted
// stays so.
//
// Errors: NotFoundError, StateError, EncryptionLimitError.
func (s *Service) StopEncryption(ctx context.Context, name Name) error {
	return s.beginUpdate(ctx, name, func(next *live) (change, error) {
		return change{KeyID: new("")}, s.countEncryption(next, "StopStreamEncryption")
	})
}

// countEncryption counts a start or a stop, or says that there were too many.
func (s *Service) countEncryption(next *live, operation string) error {
	now := s.clock.Now()
	if next.requests.within(operation, encryptionPeriod, now) >= maxEncryptionChanges {
		return &EncryptionLimitError{Operation: operation, Limit: maxEncryptionChanges}
	}
	next.requests = next.requests.with(operation, encryptionPeriod, now)
	return nil
}
