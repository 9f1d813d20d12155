package stream

import (
	"context"
	"crypto/rand"
)

// maxEncryptionChanges is how often encryption can be started in a day, and stopped.
const maxEncryptionChanges = 25

// StartEncryption sends a stream through UPDATING to encryption: the records that are put from then on are encrypted
// at rest (cipher.go) and say so for ever. The key id is a label that is kept and shown; no service is asked for it.
//
// Errors: NotFoundError, StateError, RequestLimitError.
func (s *Service) StartEncryption(ctx context.Context, name Name, keyID string) error {
	return s.beginUpdate(ctx, name, func(next *live) (change, error) {
		if next.secret == nil {
			next.secret = make([]byte, secretBytes)
			rand.Read(next.secret)
		}
		return change{KeyID: &keyID}, next.request(s, "StartStreamEncryption", maxEncryptionChanges)
	})
}

// StopEncryption sends a stream through UPDATING to no encryption, which it may have had none of. What was encrypted
// stays so.
//
// Errors: NotFoundError, StateError, RequestLimitError.
func (s *Service) StopEncryption(ctx context.Context, name Name) error {
	return s.beginUpdate(ctx, name, func(next *live) (change, error) {
		return change{KeyID: new("")}, next.request(s, "StopStreamEncryption", maxEncryptionChanges)
	})
}
