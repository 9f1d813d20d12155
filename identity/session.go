package identity

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/identity/policy"
	"github.com/millrace/millrace/store"
)

// maxToken bounds the tokens that are looked at, in bytes.
const maxToken = 8 << 10

// maxChained is how long a session may last that a session has asked for.
const maxChained = time.Hour

// token is what is sealed in a session token.
type token struct {
	KeyID   string    `json:"k"`
	Secret  string    `json:"s"`
	Expires time.Time `json:"e"`
	Account string    `json:"a"`
	User    string    `json:"u,omitempty"`  // of a session that a user has asked for
	UserID  string    `json:"ui,omitempty"` // at that time
	Role    string    `json:"r,omitempty"`  // of one of a role
	RoleID  string    `json:"ri,omitempty"` // at that time
	Path    string    `json:"rp,omitempty"`
	Name    string    `json:"n,omitempty"` // of the session of a role
	Policy  string    `json:"p,omitempty"` // that limits it
}

// Credentials are what requests are signed with until they expire.
type Credentials struct {
	KeyID, Secret, Token string
	Expires              time.Time
}

// Session is what was given out.
type Session struct {
	Credentials
	ARN, ID string // of who has it
}

// openSeal reads the key that seals sessions, or makes it.
func (s *Service) openSeal(ctx context.Context) error {
	keys := store.NewCollection[[]byte](s.tables, tableSeal)
	key, _, err := keys.Get(ctx, "")
	if errors.Is(err, store.ErrNotFound) {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		err = keys.Put(ctx, "", key, store.Absent)
	}
	if err != nil {
		return fmt.Errorf("key that seals sessions: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return fmt.Errorf("key that seals sessions: %w", err)
	}
	s.seal, err = cipher.NewGCMWithRandomNonce(block)
	return err
}

// give seals a session.
func (s *Service) give(t token, lasts time.Duration) (Credentials, error) {
	t.KeyID, t.Secret, t.Expires = newKeyID("ASIA"), newSecret(), s.now().Add(lasts)
	plain, err := json.Marshal(t)
	if err != nil {
		return Credentials{}, err
	}
	return Credentials{
		KeyID: t.KeyID, Secret: t.Secret, Expires: t.Expires,
		Token: base64.StdEncoding.EncodeToString(s.seal.Seal(nil, nil, plain, nil)),
	}, nil
}

// open unseals the token of a key.
func (s *Service) open(keyID, text string) (t token, err error) {
	if len(text) > maxToken {
		return t, ErrUnknownKey
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return t, ErrUnknownKey
	}
	plain, err := s.seal.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(plain, &t) != nil || t.KeyID != keyID {
		return t, ErrUnknownKey
	}
	if !s.clock.Now().Before(t.Expires) {
		return t, ErrExpired
	}
	return t, nil
}

// AssumeRole gives out a session of a role, as long as the role allows; by is who asks for it. Whether he may is decided
// before. A policy that is not empty limits the session further.
func (s *Service) AssumeRole(by Principal, role Name, session, text string, lasts time.Duration) (Session, error) {
	e, err := s.Get(role)
	if err != nil {
		return Session{}, err
	}
	limit := e.MaxAge
	if by.Role != "" {
		limit = maxChained
	}
	if lasts > limit {
		return Session{}, ErrDuration
	}
	if text != "" {
		if _, err := policy.Parse(text, policy.Identity); err != nil {
			return Session{}, &PolicyError{err.Error()}
		}
	}
	return s.roleSession(e, session, text, lasts)
}

func (s *Service) roleSession(e *Entity, session, text string, lasts time.Duration) (Session, error) {
	c, err := s.give(token{Account: e.Account, Role: e.Name.Name, RoleID: e.ID, Path: e.Path, Name: session, Policy: text}, lasts)
	return Session{Credentials: c, ARN: sessionARN(e.Account, e.Name.Name, session), ID: e.ID + ":" + session}, err
}

func sessionARN(account, role, session string) string {
	return "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session
}

// ServiceSession gives a service of AWS's a session of a role that trusts it: Lambda, for a function. It is a *NotFoundError
// when there is no such role; whether the role trusts the service is what Trusts says.
func (s *Service) ServiceSession(role Name, session string, lasts time.Duration) (Session, error) {
	e, err := s.Get(role)
	if err != nil {
		return Session{}, err
	}
	return s.roleSession(e, session, "", lasts)
}

// UserSession gives out a session of a user, or of the account itself.
func (s *Service) UserSession(by Principal, lasts time.Duration) (Credentials, error) {
	return s.give(token{Account: by.Account, User: by.User, UserID: by.ID}, lasts)
}
