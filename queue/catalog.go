package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/store"
)

// definition is a queue as its row holds it. Its JSON form is part of the store's format.
type definition struct {
	Number     uint64            // names the queue's rows; never used again
	Created    int64             // milliseconds of Unix time
	Modified   int64             // milliseconds of Unix time
	Attributes map[string]string // as given, without defaults
	// PurgedThrough is the highest message number that a purge did away with, Purged when the latest purge was, in
	// milliseconds of Unix time.
	PurgedThrough uint64
	Purged        int64
}

// dropped is a deleted queue whose rows may not be cleared up yet.
type dropped struct {
	Account, Region, Name string
	Deleted               int64 // milliseconds of Unix time
}

func (d dropped) name() Name { return Name{d.Account, d.Region, d.Name} }

// Queue is a queue as it stands at one moment. The value is the caller's.
type Queue struct {
	Name Name
	// Number names this incarnation: a queue created again under the same name has another.
	Number            uint64
	Created, Modified time.Time
	// Attributes are those that can be set, with the values as they were given, or else the defaults.
	Attributes map[string]string
	// Settings are the same in the room's terms.
	Settings Settings
}

func (n Name) key() string { return store.Key(n.Account, n.Region, n.Name) }

// load reads all definitions and what is left of deleted queues. It does not read messages.
func (s *Service) load(ctx context.Context) error {
	for item, err := range s.definitions.Scan(ctx, "") {
		if err != nil {
			return fmt.Errorf("read queues: %w", err)
		}
		parts := store.SplitKey(item.Key)
		if len(parts) != 3 {
			return fmt.Errorf("read queues: %w: key %q", store.ErrCorrupt, item.Key)
		}
		name := Name{parts[0], parts[1], parts[2]}
		s.queues[name] = newQueue(s.ground, name, item.Value)
	}
	for item, err := range s.drops.Scan(ctx, "") {
		if err != nil {
			return fmt.Errorf("read deleted queues: %w", err)
		}
		if len(item.Key) != 8 {
			return fmt.Errorf("read deleted queues: %w: key %q", store.ErrCorrupt, item.Key)
		}
		s.restoreDropped(item.Key, item.Value)
	}
	return nil
}

// find returns the queue.
func (s *Service) find(name Name) (*queue, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if q := s.queues[name]; q != nil {
		return q, nil
	}
	return nil, ErrNotFound
}

// administer admits one change of definitions at a time. The caller calls done when it has made its own.
func (s *Service) administer(ctx context.Context) (done func(), err error) {
	select {
	case s.gate <- struct{}{}:
		return func() { <-s.gate }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Create makes a queue with the attributes, which are AWS's names and values. If the queue exists and has equal values
// for those given, nothing happens. Errors: ErrInvalidName, ErrDeletedRecently, *ExistsError, *AttributeError.
func (s *Service) Create(ctx context.Context, name Name, attributes map[string]string) error {
	if err := s.create(ctx, name, attributes); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	return nil
}

func (s *Service) create(ctx context.Context, name Name, attributes map[string]string) error {
	if !ValidName(name.Name) {
		return ErrInvalidName
	}
	kept, err := checkAttributes(attributes)
	if err != nil {
		return err
	}
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	if q, err := s.find(name); err == nil {
		return q.differs(kept)
	}
	now := s.now()
	if s.deletedRecently(name, now) {
		return ErrDeletedRecently
	}
	number, err := s.mint.take(ctx, 1)
	if err != nil {
		return err
	}
	def := definition{Number: number, Created: now, Modified: now, Attributes: kept}
	err = s.definitions.Put(context.WithoutCancel(ctx), name.key(), def, store.Absent)
	if errors.Is(err, store.ErrConflict) {
		return s.found(ctx, name, kept)
	}
	if err != nil {
		return err
	}
	q := newQueue(s.ground, name, def)
	q.loaded = true
	s.install(q)
	return nil
}

// found takes in a queue that is in the store although memory did not know of it: an earlier create had failed with its
// outcome open.
func (s *Service) found(ctx context.Context, name Name, given map[string]string) error {
	def, _, err := s.definitions.Get(ctx, name.key())
	if err != nil {
		return err
	}
	q := newQueue(s.ground, name, def)
	s.install(q)
	return q.differs(given)
}

func (s *Service) install(q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[q.name] = q
}

// differs compares attributes given to create a queue with those that it has.
func (q *queue) differs(given map[string]string) error {
	q.mu.Lock()
	has := effective(q.def.Attributes)
	q.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if has[name] != given[name] {
			return &ExistsError{Attribute: name}
		}
	}
	return nil
}

// Describe returns the queue as it stands. Error: ErrNotFound.
func (s *Service) Describe(_ context.Context, name Name) (Queue, error) {
	q, err := s.find(name)
	if err != nil {
		return Queue{}, fmt.Errorf("describe %s: %w", name, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return Queue{
		Name: name, Number: q.number,
		Created: millis(q.def.Created), Modified: millis(q.def.Modified),
		Attributes: effective(q.def.Attributes), Settings: q.set,
	}, nil
}

// Count returns how many messages the queue holds. Error: ErrNotFound.
func (s *Service) Count(ctx context.Context, name Name) (Counts, error) {
	q, err := s.find(name)
	if err == nil {
		err = q.ready(ctx)
	}
	if err != nil {
		return Counts{}, fmt.Errorf("count %s: %w", name, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.countLocked(q.now()), nil
}

// SetAttributes changes attributes; those not named keep their values. A shorter retention applies to the messages that
// are there, a delay only to those sent from now on. Errors: ErrNotFound, *AttributeError.
func (s *Service) SetAttributes(ctx context.Context, name Name, attributes map[string]string) error {
	kept, err := checkAttributes(attributes)
	if err == nil {
		err = s.change(ctx, name, func(d *definition) error {
			all := maps.Clone(d.Attributes)
			if all == nil {
				all = make(map[string]string, len(kept))
			}
			maps.Copy(all, kept)
			d.Attributes, d.Modified = all, s.now()
			return nil
		}, func(q *queue) {
			q.expiry = q.now()
			q.chores.set(q, q.expiry)
		})
	}
	if err != nil {
		return fmt.Errorf("set attributes of %s: %w", name, err)
	}
	return nil
}

// change makes a change to a definition durable, and then to the queue in memory, where after is called under its
// mutex.
func (s *Service) change(ctx context.Context, name Name, edit func(*definition) error, after func(*queue)) error {
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	q, err := s.find(name)
	if err != nil {
		return err
	}
	return s.changeAdmitted(ctx, q, edit, after)
}

// changeAdmitted is change for a caller that was admitted and has found the queue.
func (s *Service) changeAdmitted(
	ctx context.Context, q *queue, edit func(*definition) error, after func(*queue),
) error {
	def, revision, err := s.definitions.Get(ctx, q.name.key())
	if err != nil {
		return err
	}
	if err := edit(&def); err != nil {
		return err
	}
	if err := s.definitions.Put(context.WithoutCancel(ctx), q.name.key(), def, revision); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.def, q.set = def, settings(def.Attributes)
	after(q)
	return nil
}

// List returns the names of the account's queues in the region that begin with the prefix and sort after the name, in
// order and at most limit of them, and whether there are more.
func (s *Service) List(_ context.Context, account, region, prefix, after string, limit int) ([]string, bool) {
	s.mu.RLock()
	var names []string
	for n := range s.queues {
		if n.Account == account && n.Region == region && n.Name > after && strings.HasPrefix(n.Name, prefix) {
			names = append(names, n.Name)
		}
	}
	s.mu.RUnlock()
	slices.Sort(names)
	if len(names) > limit {
		return names[:limit], true
	}
	return names, false
}

// Delete does away with the queue and all its messages. Who waits for a message gets ErrNotFound. The rows are cleared
// up by Run. Error: ErrNotFound.
func (s *Service) Delete(ctx context.Context, name Name) error {
	if err := s.delete(ctx, name); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

func (s *Service) delete(ctx context.Context, name Name) error {
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	q, err := s.find(name)
	if err != nil {
		return err
	}
	now := s.now()
	record := dropped{Account: name.Account, Region: name.Region, Name: name.Name, Deleted: now}
	left, err := s.drops.Write(queuePrefix(q.number), record, 0)
	if err != nil {
		return err
	}
	if err := s.tables.Commit(context.WithoutCancel(ctx), left, s.definitions.Remove(name.key(), 0)); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.queues, name)
	if s.recreateDelay > 0 {
		s.deleted[name] = now
	}
	s.mu.Unlock()
	q.vanish(now)
	return nil
}
