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

	"github.com/millrace/millrace/identity/policy"
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
	doubts   *store.Doubts

	mu sync.RWMutex
	catalog
}

// catalog is everything that the room knows.
type catalog struct {
	known         map[Name]*Entity   // by their folded names; replaced, never changed
	ids           map[string]*Entity // the same by their ids
	knownPolicies map[string]*Policy // by their ARNs; so are these
	knownKeys     map[string]*accessKey
}

// put shows an entity, and take does not show it any more.
func (c *catalog) put(e *Entity)  { c.known[e.fold()], c.ids[e.ID] = e, e }
func (c *catalog) take(e *Entity) { delete(c.known, e.fold()); delete(c.ids, e.ID) }

// New reads the identities. It starts nothing.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Store == nil || c.Clock == nil {
		return nil, errors.New("identity: Store and Clock are required")
	}
	s := &Service{
		clock: c.Clock, tables: c.Store,
		entities: store.NewCollection[Entity](c.Store, tableEntities),
		policies: store.NewCollection[Policy](c.Store, tablePolicies),
		keys:     store.NewCollection[keyRow](c.Store, tableKeys),
		doubts:   store.NewDoubts(c.Store),
	}
	if err := s.reload(ctx); err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	return s, s.openSeal(ctx)
}

// reload has memory show what the store holds.
func (s *Service) reload(ctx context.Context) error {
	c := catalog{map[Name]*Entity{}, map[string]*Entity{}, map[string]*Policy{}, map[string]*accessKey{}}
	if err := s.load(ctx, &c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, k := range c.knownKeys {
		if old := s.knownKeys[id]; old != nil {
			k.used = old.used
		}
	}
	s.catalog = c
	return nil
}

func (s *Service) load(ctx context.Context, c *catalog) error {
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
		if err := e.read(); err != nil { // no policy of today's
			e.trust, e.inline = policy.Nothing(), []*policy.Document{policy.Nothing()}
		}
		c.put(&e)
	}
	for item, err := range s.policies.Scan(ctx, "") {
		if err != nil {
			return err
		}
		p := item.Value
		p.Account, p.Name, _ = strings.Cut(item.Key, "\x00")
		if err := p.read(); err != nil {
			p.document = policy.Nothing()
		}
		c.knownPolicies[p.ARN()] = &p
	}
	for item, err := range s.keys.Scan(ctx, "") {
		if err != nil {
			return err
		}
		c.knownKeys[item.Key] = newAccessKey(item.Key, item.Value)
	}
	return nil
}

// doubtful is the subject of the room's doubts: it is small, and is read again as a whole.
const doubtful = "identities"

// commit stores a change, all of it or nothing, and has memory follow. It goes on when ctx ends. Of a change that may or may not
// have been made it is found out what became of it, at once if the store can tell, else before the next one: who was locked out, or
// let in, is that then. The caller is admitted.
func (s *Service) commit(ctx context.Context, show func(c *catalog), writes ...store.Write) error {
	if err := s.tables.Commit(context.WithoutCancel(ctx), writes...); err != nil {
		if store.InDoubt(err) {
			s.doubts.Add(doubtful, s.reload)
			_ = s.doubts.Settle(context.WithoutCancel(ctx), doubtful) // its error is that of the next change
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	show(&s.catalog)
	return nil
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
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	count := 0
	for name := range s.known { // who is admitted may read without the lock
		if name.Account == e.Account && name.Kind == e.Kind {
			count++
		}
	}
	limit := maxEntities
	if e.Kind == Group {
		limit = maxGroups
	}
	switch {
	case s.known[e.fold()] != nil:
		return nil, &ExistsError{string(e.Kind), e.Name.Name}
	case count >= limit:
		return nil, &LimitError{e.Kind.title() + "sPerAccount", limit}
	}
	if e.Boundary != "" && s.policy(e.Boundary, e.Account) == nil {
		return nil, ErrNotAttachable
	}
	e.Created, e.ID = s.now(), newID(map[Kind]string{User: "AIDA", Role: "AROA", Group: "AGPA"}[e.Kind])
	if e.Path == "" {
		e.Path = "/"
	}
	if e.Kind == Role && e.MaxAge == 0 {
		e.MaxAge = defaultMaxAge
	}
	e.Tags = withTags(nil, e.Tags, strings.EqualFold)
	return s.write(ctx, e, store.Absent)
}

// write stores an entity and shows it. The caller is admitted.
func (s *Service) write(ctx context.Context, e Entity, ifRevision uint64) (*Entity, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	w, err := s.entities.Write(e.key(), e, ifRevision)
	if err == nil {
		err = s.commit(ctx, func(c *catalog) { c.put(&e) }, w)
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", e.ARN(), err)
	}
	return &e, nil
}

// change makes a change to an entity. The function is handed a copy whose maps and slices it replaces.
func (s *Service) change(ctx context.Context, name Name, f func(e *Entity) error) error {
	done, err := s.doubts.Admit(ctx)
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
	done, err := s.doubts.Admit(ctx)
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
	case len(e.Groups) > 0:
		return &ConflictError{Groups}
	case name.Kind == Group && len(s.Members(e)) > 0:
		return &ConflictError{Members}
	}
	if err := s.commit(ctx, func(c *catalog) { c.take(e) }, s.entities.Remove(name.key(), 0)); err != nil {
		return fmt.Errorf("delete %s: %w", e.ARN(), err)
	}
	return nil
}
