package identity

import (
	"cmp"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// The tables of the room. Their forms are part of the store's format.
const (
	tableEntities = "identities"        // by account, kind and name
	tablePolicies = "identity-policies" // by account and name
	tableKeys     = "identity-keys"     // by access key id
	tableSeal     = "identity-seal"     // one entry: the key that seals sessions
)

// Config is what a Service is made of. All of it is required.
type Config struct {
	Store store.Tables
	Clock clockwork.Clock
}

// Service keeps the identities of all accounts. All methods may be called at the same time. It has nothing to run.
type Service struct {
	clock    clockwork.Clock
	tables   store.Tables
	entities store.Collection[Entity]
	policies store.Collection[Policy]
	keys     store.Collection[keyRow]
	seal     cipher.AEAD
	gate     chan struct{} // held by the one that makes a change
	doubts   *store.Doubts

	mu            sync.RWMutex
	known         map[Name]*Entity   // by their folded names; replaced, never changed
	knownPolicies map[string]*Policy // by their ARNs; so are these
	knownKeys     map[string]*accessKey
}

// New reads the identities. It starts nothing.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Store == nil || c.Clock == nil {
		return nil, errors.New("identity: Store and Clock are required")
	}
	s := &Service{
		clock: c.Clock, tables: c.Store,
		entities:      store.NewCollection[Entity](c.Store, tableEntities),
		policies:      store.NewCollection[Policy](c.Store, tablePolicies),
		keys:          store.NewCollection[keyRow](c.Store, tableKeys),
		gate:          make(chan struct{}, 1),
		doubts:        store.NewDoubts(c.Store),
		known:         map[Name]*Entity{},
		knownPolicies: map[string]*Policy{},
		knownKeys:     map[string]*accessKey{},
	}
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	return s, s.openSeal(ctx)
}

func (s *Service) load(ctx context.Context) error {
	for item, err := range s.entities.Scan(ctx, "") {
		if err != nil {
			return err
		}
		parts := store.SplitKey(item.Key)
		if len(parts) != 3 {
			return fmt.Errorf("identity %q: %w", item.Key, store.ErrCorrupt)
		}
		e := item.Value
		e.Name = Name{parts[0], Kind(parts[1]), parts[2]}
		if err := e.read(); err != nil {
			return fmt.Errorf("%s: %w", e.ARN(), err)
		}
		s.known[e.fold()] = &e
	}
	for item, err := range s.policies.Scan(ctx, "") {
		if err != nil {
			return err
		}
		p := item.Value
		p.Account, p.Name, _ = strings.Cut(item.Key, "\x00")
		if err := p.read(); err != nil {
			return fmt.Errorf("%s: %w", p.ARN(), err)
		}
		s.knownPolicies[p.ARN()] = &p
	}
	for item, err := range s.keys.Scan(ctx, "") {
		if err != nil {
			return err
		}
		s.knownKeys[item.Key] = newAccessKey(item.Key, item.Value)
	}
	return nil
}

// administer admits one change at a time, when it is known what became of the one before. The caller calls done when it has made its own.
func (s *Service) administer(ctx context.Context) (done func(), err error) {
	select {
	case s.gate <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := s.doubts.SettleAll(ctx, ""); err != nil {
		<-s.gate
		return nil, err
	}
	return func() { <-s.gate }, nil
}

// now is the time as it is stored and shown: in UTC, to the second.
func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

// Get returns an entity, or a *NotFoundError.
func (s *Service) Get(name Name) (*Entity, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.known[name.fold()]; e != nil && e.Name == name {
		return e, nil
	}
	return nil, name.missing()
}

// List returns the entities of a kind whose paths begin with a prefix, in the order of their names, behind the one
// given; at most so many, and whether there are more.
func (s *Service) List(account string, kind Kind, prefix, after string, most int) ([]*Entity, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []*Entity
	for name, e := range s.known {
		if name.Account == account && name.Kind == kind && strings.HasPrefix(e.Path, prefix) && e.Name.Name > after {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *Entity) int { return cmp.Compare(a.Name.Name, b.Name.Name) })
	return all[:min(len(all), most)], len(all) > most
}

// Create makes an entity. Path, what belongs to a role, Boundary and Tags are taken from what is given.
func (s *Service) Create(ctx context.Context, e Entity) (*Entity, error) {
	done, err := s.administer(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	count := 0
	for name := range s.known { // who holds the gate may read without the lock
		if name.Account == e.Account && name.Kind == e.Kind {
			count++
		}
	}
	switch {
	case s.known[e.fold()] != nil:
		return nil, &ExistsError{string(e.Kind), e.Name.Name}
	case count >= maxEntities:
		return nil, &LimitError{strings.ToUpper(string(e.Kind[:1])) + string(e.Kind[1:]) + "sPerAccount", maxEntities}
	}
	if e.Boundary != "" && s.policy(e.Boundary, e.Account) == nil {
		return nil, ErrNotAttachable
	}
	e.Created, e.ID = s.now(), newID(map[Kind]string{User: "AIDA", Role: "AROA"}[e.Kind])
	if e.Path == "" {
		e.Path = "/"
	}
	if e.Kind == Role && e.MaxAge == 0 {
		e.MaxAge = defaultMaxAge
	}
	e.Tags = withTags(nil, e.Tags)
	return s.write(ctx, e, store.Absent)
}

// write stores an entity and shows it. The caller holds the gate.
func (s *Service) write(ctx context.Context, e Entity, ifRevision uint64) (*Entity, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	if err := s.entities.Put(context.WithoutCancel(ctx), e.key(), e, ifRevision); err != nil {
		s.doubt(ctx, err)
		return nil, fmt.Errorf("store %s: %w", e.ARN(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[e.fold()] = &e
	return &e, nil
}

// change makes a change to an entity. The function is handed a copy whose maps and slices it replaces.
func (s *Service) change(ctx context.Context, name Name, f func(e *Entity) error) error {
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	old, err := s.Get(name)
	if err != nil {
		return err
	}
	e := *old
	if err := f(&e); err != nil {
		return err
	}
	_, err = s.write(ctx, e, 0)
	return err
}

// Delete removes an entity on which nothing hangs.
func (s *Service) Delete(ctx context.Context, name Name) error {
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	e, err := s.Get(name)
	switch {
	case err != nil:
		return err
	case len(e.Attached) > 0:
		return &ConflictError{AttachedPolicies}
	case len(e.Inline) > 0:
		return &ConflictError{InlinePolicies}
	case name.Kind == User && len(s.Keys(name)) > 0:
		return &ConflictError{AccessKeys}
	}
	if err := s.entities.Delete(context.WithoutCancel(ctx), name.key()); err != nil {
		s.doubt(ctx, err)
		return fmt.Errorf("delete %s: %w", e.ARN(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, name.fold())
	return nil
}
