package identity

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	Issued  time.Time `json:"is,omitzero"`
	Account string    `json:"a"`
	User    string    `json:"u,omitempty"`  // of a session that a user has asked for
	UserID  string    `json:"ui,omitempty"` // at that time
	Role    string    `json:"r,omitempty"`  // of one of a role
	RoleID  string    `json:"ri,omitempty"` // at that time
	Path    string    `json:"rp,omitempty"`
	Name    string    `json:"n,omitempty"` // of the session of a role
	Limits
	Tags       []Tag    `json:"t,omitempty"`
	Transitive []string `json:"tt,omitempty"`
	Source     string   `json:"si,omitempty"`
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
	Source  string // identity
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
	t.KeyID, t.Secret, t.Issued, t.Expires = newKeyID("ASIA"), newSecret(), s.now(), s.now().Add(lasts)
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

// Assumption is what somebody asks for who assumes a role.
type Assumption struct {
	By      Principal
	Role    Name
	Session string // its name
	Lasts   time.Duration
	Limits  Limits // what is to limit the session further
	Tags    []Tag
	// Transitive are the keys of those tags that the session's own sessions are to have too.
	Transitive []string
	Source     string // identity; empty keeps the one there is
}

// AssumeRole gives out a session of a role, as long as the role allows. Whether who asks may is decided before.
func (s *Service) AssumeRole(a Assumption) (Session, error) {
	e, err := s.Get(a.Role)
	if err != nil {
		return Session{}, err
	}
	limit := e.MaxAge
	if a.By.Role != "" {
		limit = maxChained
	}
	if a.Lasts > limit {
		return Session{}, ErrDuration
	}
	if a.Limits.Text != "" {
		if _, err := policy.Parse(a.Limits.Text, policy.Session); err != nil {
			return Session{}, &PolicyError{err.Error()}
		}
	}
	for _, arn := range a.Limits.Policies {
		if s.policy(arn, e.Account) == nil {
			return Session{}, &NotFoundError{What: "policy", Name: arn}
		}
	}
	t := token{Name: a.Session, Limits: a.Limits, Source: cmp.Or(a.By.Source, a.Source)}
	if t.Tags, t.Transitive, err = a.passOn(); err != nil {
		return Session{}, err
	}
	return s.roleSession(e, t, a.Lasts)
}

// passOn returns the tags of the session and the keys of those that its own sessions will have: those that were asked for, and
// those that who asks passes on.
func (a *Assumption) passOn() (tags []Tag, transitive []string, err error) {
	for _, tag := range a.By.Tags {
		if holds(a.By.Transitive, tag.Key) {
			tags, transitive = append(tags, tag), append(transitive, tag.Key)
		}
	}
	for _, tag := range a.Tags {
		if holds(transitive, tag.Key) {
			return nil, nil, ErrTag
		}
	}
	return append(tags, a.Tags...), append(transitive, a.Transitive...), nil
}

// holds reports whether keys of tags, which are the same in all letters, hold one.
func holds(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, key) })
}

func (s *Service) roleSession(e *Entity, t token, lasts time.Duration) (Session, error) {
	t.Account, t.Role, t.RoleID, t.Path = e.Account, e.Name.Name, e.ID, e.Path
	c, err := s.give(t, lasts)
	if err == nil && len(c.Token) > maxToken {
		return Session{}, ErrTooLarge
	}
	return Session{Credentials: c, ARN: sessionARN(e.Account, e.Name.Name, t.Name), ID: e.ID + ":" + t.Name, Source: t.Source}, err
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
	return s.roleSession(e, token{Name: session}, lasts)
}

// UserSession gives out a session of a user, or of the account itself.
func (s *Service) UserSession(by Principal, lasts time.Duration) (Credentials, error) {
	return s.give(token{Account: by.Account, User: by.User, UserID: by.ID}, lasts)
}
