package queue

import (
	"context"
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
	Tags       map[string]string `json:",omitempty"`
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
	Tags     map[string]string
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
	return s.loadTasks(ctx)
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

// Create makes a queue with the attributes, which are AWS's names and values, and tags. If the queue exists and has equal
// values for the attributes given, nothing happens. A name that ends in ".fifo" asks for the attribute FifoQueue, and the
// other way round. Errors: ErrInvalidName, ErrInvalidFIFOName, ErrDeletedRecently, ErrTooManyTags, *ExistsError,
// *AttributeError, *RedriveError.
func (s *Service) Create(ctx context.Context, name Name, attributes, tags map[string]string) error {
	if err := s.create(ctx, name, attributes, tags); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	return nil
}

// checkName judges the name of a new queue by its attributes.
func checkName(name Name, attributes map[string]string) error {
	asked, _ := parseBool(attributes[attributeFIFO])
	switch {
	case asked == "true" && !(ValidName(name.Name) && name.FIFO()):
		return ErrInvalidFIFOName
	case !ValidName(name.Name), name.FIFO() && attributes[attributeFIFO] == "":
		return ErrInvalidName
	}
	return nil
}

func (s *Service) create(ctx context.Context, name Name, attributes, tags map[string]string) error {
	if err := checkName(name, attributes); err != nil {
		return err
	}
	given, err := checkAttributes(name, attributes)
	if err != nil {
		return err
	}
	if len(tags) > MaxTags {
		return ErrTooManyTags
	}
	kept := merge(nil, given)
	if err := checkTogether(kept); err != nil {
		return err
	}
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	if q, err := s.find(name); err == nil {
		return q.differs(given)
	}
	if err := s.checkRedrive(name, nil, kept); err != nil {
		return err
	}
	now := s.now()
	if s.deletedRecently(name, now) {
		return ErrDeletedRecently
	}
	number, err := s.mint.take(ctx, 1)
	if err != nil {
		return err
	}
	def := definition{Number: number, Created: now, Modified: now, Attributes: kept, Tags: maps.Clone(tags)}
	if err := s.definitions.Put(context.WithoutCancel(ctx), name.key(), def, store.Absent); err != nil {
		s.doubt(name, nil, err)
		return err
	}
	q := newQueue(s.ground, name, def)
	q.loaded = true
	s.install(q)
	return nil
}

func (s *Service) install(q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[q.name] = q
}

// differs compares attributes given to create a queue with those that it has.
func (q *queue) differs(given map[string]string) error {
	q.mu.Lock()
	has := effective(q.name, q.def.Attributes)
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
		Attributes: effective(name, q.def.Attributes), Settings: q.set, Tags: maps.Clone(q.def.Tags),
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

// SetAttributes changes attributes; those not named keep their values, and "" takes one back. A shorter retention applies
// to the messages that are there; a delay applies to those sent from now on, and in a FIFO queue to all that nobody has
// received. Errors: ErrNotFound, *AttributeError, *RedriveError.
func (s *Service) SetAttributes(ctx context.Context, name Name, attributes map[string]string) error {
	kept, err := checkAttributes(name, attributes)
	if err == nil {
		err = s.change(ctx, name, func(d *definition) error {
			after := merge(d.Attributes, kept)
			if err := checkTogether(after); err != nil {
				return err
			}
			if err := s.checkRedrive(name, d.Attributes, after); err != nil {
				return err
			}
			d.Attributes, d.Modified = after, s.now()
			return nil
		}, (*queue).reviewLocked)
	}
	if err != nil {
		return fmt.Errorf("set attributes of %s: %w", name, err)
	}
	return nil
}

// EditPolicy changes the attribute Policy, or takes it back if edit returns "". Errors: ErrNotFound, *AttributeError, and
// edit's.
func (s *Service) EditPolicy(ctx context.Context, name Name, edit func(policy string) (string, error)) error {
	err := s.change(ctx, name, func(d *definition) error {
		policy, err := edit(d.Attributes[attributePolicy])
		if err != nil {
			return err
		}
		kept, err := checkAttributes(name, map[string]string{attributePolicy: policy})
		if err != nil {
			return err
		}
		d.Attributes, d.Modified = merge(d.Attributes, kept), s.now()
		return nil
	}, func(*queue) {})
	if err != nil {
		return fmt.Errorf("edit the policy of %s: %w", name, err)
	}
	return nil
}

// MaxTags is how many tags a queue may have.
const MaxTags = 50

// Tag adds tags, or changes their values. Errors: ErrNotFound, ErrTooManyTags.
func (s *Service) Tag(ctx context.Context, name Name, tags map[string]string) error {
	return s.editTags(ctx, name, func(all map[string]string) { maps.Copy(all, tags) })
}

// Untag removes tags; that there is none of a key is no error. Error: ErrNotFound.
func (s *Service) Untag(ctx context.Context, name Name, keys []string) error {
	return s.editTags(ctx, name, func(all map[string]string) {
		maps.DeleteFunc(all, func(key, _ string) bool { return slices.Contains(keys, key) })
	})
}

func (s *Service) editTags(ctx context.Context, name Name, edit func(map[string]string)) error {
	err := s.change(ctx, name, func(d *definition) error {
		all := make(map[string]string, len(d.Tags)+1)
		maps.Copy(all, d.Tags)
		edit(all)
		if len(all) > MaxTags {
			return ErrTooManyTags
		}
		d.Tags = all
		return nil
	}, func(*queue) {})
	if err != nil {
		return fmt.Errorf("change tags of %s: %w", name, err)
	}
	return nil
}

// reviewLocked sees to what changed attributes mean for the messages that are there.
func (q *queue) reviewLocked() {
	now := q.now()
	q.expiry = now
	q.chores.set(q, now)
	if q.groups != nil && q.loaded {
		q.regroupAllLocked(now)
		q.serveLocked(now)
	}
}

// change makes a change to a definition durable, and then to the queue in memory, where after is called under its
// mutex.
func (s *Service) change(ctx context.Context, name Name, edit func(*definition) error, after func(*queue)) error {
	done, err := s.doubts.Admit(ctx)
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
		s.doubt(q.name, q, err)
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.def, q.set = def, settings(q.name, def.Attributes)
	after(q)
	return nil
}

// List returns the names of the account's queues in the region that begin with the prefix and sort after the name, in
// order and at most limit of them, and whether there are more.
func (s *Service) List(_ context.Context, account, region, prefix, after string, limit int) ([]string, bool) {
	return s.names(limit, func(q *queue) bool {
		n := q.name
		return n.Account == account && n.Region == region && n.Name > after && strings.HasPrefix(n.Name, prefix)
	})
}

// DeadLetterSources is List for the queues whose redrive policy names this one.
func (s *Service) DeadLetterSources(name Name, after string, limit int) ([]string, bool) {
	return s.names(limit, func(q *queue) bool {
		if q.name.Name <= after {
			return false
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.set.Redrive != nil && q.set.Redrive.Target == name
	})
}

// names are the short names of the queues that are asked for, in order.
func (s *Service) names(limit int, asked func(*queue) bool) ([]string, bool) {
	var names []string
	for _, q := range s.all() {
		if asked(q) {
			names = append(names, q.name.Name)
		}
	}
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
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	q, err := s.find(name)
	if err != nil {
		return err
	}
	resume, err := q.quiet(ctx) // what is being moved here would be gone, with no client to hear of it
	if err != nil {
		return err
	}
	defer resume()
	now := s.now()
	record := dropped{Account: name.Account, Region: name.Region, Name: name.Name, Deleted: now}
	left, err := s.drops.Write(queuePrefix(q.number), record, 0)
	if err != nil {
		return err
	}
	if err := s.tables.Commit(context.WithoutCancel(ctx), left, s.definitions.Remove(name.key(), 0)); err != nil {
		s.doubt(name, q, err)
		return err
	}
	s.forget(q, now)
	return nil
}

// forget takes a deleted queue out of memory.
func (s *Service) forget(q *queue, now int64) {
	s.mu.Lock()
	delete(s.queues, q.name)
	if s.recreateDelay > 0 {
		s.deleted[q.name] = now
	}
	s.mu.Unlock()
	q.vanish(now)
}
