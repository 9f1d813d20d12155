package topic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/store"
)

// Topic is a topic as it stands at one moment. The value is the caller's.
type Topic struct {
	Name          Name
	Attributes    map[string]string // those that were set
	Tags          map[string]string
	Subscriptions int // confirmed
	Pending       int // not yet
}

// topicRow is a topic as its row holds it.
type topicRow struct {
	Created    time.Time
	Attributes map[string]string
	Tags       map[string]string `json:",omitempty"`
}

// fifoSuffix is how the names of FIFO topics and queues end.
const fifoSuffix = ".fifo"

// FIFO reports whether it is the name of a FIFO topic.
func (n Name) FIFO() bool { return strings.HasSuffix(n.Name, fifoSuffix) }

// maxTags is how many tags a topic may have.
const maxTags = 50

// ValidName reports whether a topic can have the name.
func ValidName(name string) bool {
	if len(name) > 256 {
		return false
	}
	name = strings.TrimSuffix(name, fifoSuffix)
	if name == "" {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// Create makes a topic. If it exists and has equal values for the attributes and tags given, nothing happens. Errors:
// ErrInvalidName, ErrInvalidFIFOName, *AttributeError, ErrExists, ErrTagsDiffer, ErrTooManyTags, ErrTooManyTopics.
func (s *Service) Create(ctx context.Context, name Name, attributes, tags map[string]string) error {
	if err := checkNew(name, attributes, tags); err != nil {
		return err
	}
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	if e, err := s.find(name); err == nil {
		return e.same(attributes, tags)
	}
	if s.count() >= maxTopics {
		return ErrTooManyTopics
	}
	row := topicRow{Created: s.now(), Attributes: maps.Clone(attributes), Tags: maps.Clone(tags)}
	if err := s.topics.Put(context.WithoutCancel(ctx), name.key(), row, store.Absent); err != nil {
		s.doubtTopic(name, err)
		return fmt.Errorf("create topic %s: %w", name.Name, err)
	}
	s.install(name, &entry{topicRow: row, order: newOrder()})
	return nil
}

func checkNew(name Name, attributes, tags map[string]string) error {
	fifo := attributes[FIFOTopic] == "true"
	switch {
	case fifo && (!name.FIFO() || !ValidName(name.Name)):
		return ErrInvalidFIFOName
	case !ValidName(name.Name) || name.FIFO() && !fifo:
		return ErrInvalidName
	case len(tags) > maxTags:
		return ErrTooManyTags
	}
	if err := checkAttributes(topicAttributes, attributes); err != nil {
		return err
	}
	return checkOrderly(name, attributes)
}

// checkOrderly refuses what only FIFO topics have.
func checkOrderly(name Name, attributes map[string]string) error {
	for _, attribute := range []string{ContentBasedDeduplication, FIFOThroughputScope} {
		if v, given := attributes[attribute]; given && !name.FIFO() && v != "false" {
			return &AttributeError{Name: attribute, Value: v}
		}
	}
	return nil
}

// same reports whether the topic is what was asked for.
func (e *entry) same(attributes, tags map[string]string) error {
	for n, v := range attributes {
		if e.Attributes[n] != v {
			return ErrExists
		}
	}
	if tags != nil && !maps.Equal(tags, e.Tags) {
		return ErrTagsDiffer
	}
	return nil
}

func (s *Service) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.known)
}

// Describe returns the topic. Error: ErrNotFound.
func (s *Service) Describe(name Name) (Topic, error) {
	e, err := s.find(name)
	if err != nil {
		return Topic{}, err
	}
	t := Topic{Name: name, Attributes: maps.Clone(e.Attributes), Tags: maps.Clone(e.Tags)}
	for i := range e.subscriptions {
		if e.subscriptions[i].Pending {
			t.Pending++
		} else {
			t.Subscriptions++
		}
	}
	return t, nil
}

// SetAttribute changes an attribute. Errors: ErrNotFound, *AttributeError.
func (s *Service) SetAttribute(ctx context.Context, name Name, attribute, value string) error {
	return s.change(ctx, name, func(row *topicRow) error {
		if attribute == FIFOTopic {
			return &AttributeError{Name: attribute, Unknown: true}
		}
		given := map[string]string{attribute: value}
		if err := checkAttributes(topicAttributes, given); err != nil {
			return err
		}
		if row.Attributes == nil {
			row.Attributes = map[string]string{}
		}
		row.Attributes[attribute] = value
		return checkOrderly(name, given)
	})
}

// EditPolicy changes the attribute Policy by what edit makes of it; "" is the policy that a topic has by itself. Errors:
// ErrNotFound, and edit's own.
func (s *Service) EditPolicy(ctx context.Context, name Name, edit func(text string) (string, error)) error {
	return s.change(ctx, name, func(row *topicRow) (err error) {
		if row.Attributes == nil {
			row.Attributes = map[string]string{}
		}
		row.Attributes[Policy], err = edit(row.Attributes[Policy])
		return err
	})
}

// Tag adds tags, or gives them other values. Errors: ErrNotFound, ErrTooManyTags.
func (s *Service) Tag(ctx context.Context, name Name, tags map[string]string) error {
	return s.change(ctx, name, func(row *topicRow) error {
		if row.Tags == nil {
			row.Tags = map[string]string{}
		}
		maps.Copy(row.Tags, tags)
		if len(row.Tags) > maxTags {
			return ErrTooManyTags
		}
		return nil
	})
}

// Untag removes tags; that there are none of these keys is no error. Error: ErrNotFound.
func (s *Service) Untag(ctx context.Context, name Name, keys []string) error {
	return s.change(ctx, name, func(row *topicRow) error {
		for _, key := range keys {
			delete(row.Tags, key)
		}
		return nil
	})
}

// change edits a copy of the topic's row and puts it in the row's place.
func (s *Service) change(ctx context.Context, name Name, edit func(row *topicRow) error) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	e, err := s.find(name)
	if err != nil {
		return err
	}
	row := topicRow{Created: e.Created, Attributes: maps.Clone(e.Attributes), Tags: maps.Clone(e.Tags)}
	if err := edit(&row); err != nil {
		return err
	}
	if err := s.topics.Put(context.WithoutCancel(ctx), name.key(), row, 0); err != nil {
		s.doubtTopic(name, err)
		return fmt.Errorf("change topic %s: %w", name.Name, err)
	}
	s.install(name, &entry{topicRow: row, subscriptions: e.subscriptions, order: e.order})
	return nil
}

// Delete removes a topic and its subscriptions; that there is none is no error.
func (s *Service) Delete(ctx context.Context, name Name) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	e, err := s.find(name)
	if err != nil {
		return nil //nolint:nilerr // as on AWS, deleting what is not there is no error
	}
	writes := []store.Write{s.topics.Remove(name.key(), 0), s.sequences.Remove(name.key(), 0)}
	for _, sub := range e.subscriptions {
		writes = append(writes, s.subscriptions.Remove(sub.key(), 0))
	}
	if err := s.tables.Commit(context.WithoutCancel(ctx), writes...); err != nil {
		s.doubtTopic(name, err)
		return fmt.Errorf("delete topic %s: %w", name.Name, err)
	}
	s.install(name, nil)
	s.wakeAll(e) // to clear what was on its way
	if name.FIFO() {
		if err := s.forget(context.WithoutCancel(ctx), name); err != nil {
			s.log.Warn("what a topic knew again stays in the store", "topic", name.ARN(), "error", err)
		}
	}
	return nil
}

// List returns the names of the account's topics in the region that sort after the name, in order and at most limit of
// them, and whether there are more.
func (s *Service) List(account, region, after string, limit int) ([]string, bool) {
	s.mu.RLock()
	var names []string
	for n := range s.known {
		if n.Account == account && n.Region == region && n.Name > after {
			names = append(names, n.Name)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(names, strings.Compare)
	if len(names) > limit {
		return names[:limit], true
	}
	return names, false
}
