package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/store"
)

// maxAccessKeys is how many access keys a user may have.
const maxAccessKeys = 2

// keyRow is an access key as it is stored, under its id.
type keyRow struct {
	Account string    `json:"account"`
	User    string    `json:"user,omitempty"` // empty for the account's own
	Secret  string    `json:"secret"`
	Off     bool      `json:"off,omitempty"`
	Created time.Time `json:"created"`
}

// accessKey is one in memory. It is replaced, never changed, but for when it was used.
type accessKey struct {
	id string
	keyRow
	used *atomic.Pointer[Use]
}

// Use is when and for what an access key was used last.
type Use struct {
	At              time.Time
	Service, Region string
}

// Key is an access key as clients see it.
type Key struct {
	ID      string
	User    string
	Active  bool
	Created time.Time
	// Secret is set in the answer to who made it, and nowhere else.
	Secret string
	// Used is when it was used last since the program began, nil when it was not.
	Used *Use
}

// newID makes an id of AWS's form: what it is for, and 17 characters.
func newID(kind string) string {
	var raw [11]byte
	_, _ = rand.Read(raw[:]) // never fails
	return kind + base32.StdEncoding.EncodeToString(raw[:])[:17]
}

// newKeyID makes the id of an access key, which is one character shorter.
func newKeyID(kind string) string { return newID(kind)[:20] }

func newSecret() string {
	var raw [30]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.StdEncoding.EncodeToString(raw[:])
}

// CreateKey makes an access key for a user, or for the account itself when the name is empty.
func (s *Service) CreateKey(ctx context.Context, user Name) (Key, error) {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return Key{}, err
	}
	defer done()
	if _, err := s.Get(user); err != nil && user.Name != "" {
		return Key{}, err
	}
	if len(s.Keys(user)) >= maxAccessKeys {
		return Key{}, &LimitError{"AccessKeysPerUser", maxAccessKeys}
	}
	row := keyRow{Account: user.Account, User: user.Name, Secret: newSecret(), Created: s.now()}
	return s.putKey(ctx, newKeyID("AKIA"), row, store.Absent)
}

// RootKey returns an access key of the account itself, which is made when there is none. An id and a secret that are
// given are the account's from now on, beside those it had.
func (s *Service) RootKey(ctx context.Context, account, id, secret string) (Key, error) {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return Key{}, err
	}
	defer done()
	if id != "" {
		return s.putKey(ctx, id, keyRow{Account: account, Secret: secret, Created: s.now()}, 0)
	}
	var oldest *accessKey
	for _, k := range s.knownKeys { // who is admitted may read without the lock
		if k.Account == account && k.User == "" && !k.Off && (oldest == nil || k.Created.Before(oldest.Created)) {
			oldest = k
		}
	}
	if oldest != nil {
		key := oldest.key()
		key.Secret = oldest.Secret
		return key, nil
	}
	return s.putKey(ctx, newKeyID("AKIA"), keyRow{Account: account, Secret: newSecret(), Created: s.now()}, store.Absent)
}

func (s *Service) putKey(ctx context.Context, id string, row keyRow, ifRevision uint64) (Key, error) {
	k := newAccessKey(id, row)
	w, err := s.keys.Write(id, row, ifRevision)
	if err == nil {
		err = s.commit(ctx, func(c *catalog) {
			if old := c.knownKeys[id]; old != nil {
				k.used = old.used
			}
			c.knownKeys[id] = k
		}, w)
	}
	if err != nil {
		return Key{}, fmt.Errorf("store access key %s: %w", id, err)
	}
	key := k.key()
	key.Secret = row.Secret
	return key, nil
}

func newAccessKey(id string, row keyRow) *accessKey {
	return &accessKey{id: id, keyRow: row, used: new(atomic.Pointer[Use])}
}

func (k *accessKey) key() Key {
	return Key{ID: k.id, User: k.User, Active: !k.Off, Created: k.Created, Used: k.used.Load()}
}

// Keys returns the access keys of a user in the order of their ids.
func (s *Service) Keys(user Name) (all []Key) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, k := range s.knownKeys {
		if k.Account == user.Account && k.User == user.Name {
			all = append(all, k.key())
		}
	}
	slices.SortFunc(all, func(a, b Key) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Key returns an access key of the account, or a *NotFoundError.
func (s *Service) Key(account, id string) (Key, error) {
	k, err := s.findKey(account, id)
	if err != nil {
		return Key{}, err
	}
	return k.key(), nil
}

func (s *Service) findKey(account, id string) (*accessKey, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.knownKeys[id]; k != nil && k.Account == account {
		return k, nil
	}
	return nil, &NotFoundError{What: "access key", Name: id}
}

// KeyAccount returns whose access key it is, also of a session's, or a *NotFoundError.
func (s *Service) KeyAccount(id string) (string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.knownKeys[id]; k != nil {
		return k.Account, nil
	}
	return "", &NotFoundError{What: "access key", Name: id}
}

// SetActive says whether requests that are signed with a user's key are believed.
func (s *Service) SetActive(ctx context.Context, user Name, id string, active bool) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	k, err := s.findKey(user.Account, id)
	if err != nil || k.User != user.Name {
		return &NotFoundError{What: "access key", Name: id}
	}
	row := k.keyRow
	row.Off = !active
	_, err = s.putKey(ctx, id, row, 0)
	return err
}

// DeleteKey removes a user's key.
func (s *Service) DeleteKey(ctx context.Context, user Name, id string) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	k, err := s.findKey(user.Account, id)
	if err != nil || k.User != user.Name {
		return &NotFoundError{What: "access key", Name: id}
	}
	if err := s.commit(ctx, func(c *catalog) { delete(c.knownKeys, id) }, s.keys.Remove(id, 0)); err != nil {
		return fmt.Errorf("delete access key %s: %w", id, err)
	}
	return nil
}

// Note remembers for what a key was used, once a minute. It is for keys of which somebody has shown that he has the secret.
func (s *Service) Note(id, service, region string) {
	s.mu.RLock()
	k := s.knownKeys[id]
	s.mu.RUnlock()
	if k == nil {
		return
	}
	now := s.clock.Now()
	if last := k.used.Load(); last == nil || now.Sub(last.At) >= time.Minute || last.Service != service {
		k.used.Store(&Use{At: now.UTC().Truncate(time.Second), Service: strings.Clone(service), Region: strings.Clone(region)})
	}
}
