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
	Subscriptions int
}

// topicRow is a topic as its row holds it.
type topicRow struct {
	Created    time.Time
	Attributes map[string]string
}

// ValidName reports whether a topic can have the name.
func ValidName(name string) bool {
	if name == "" || len(name) > 256 {
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

// topicAttributes are the attributes of topics that can be set: what their values may be, and which are not carried out.
var topicAttributes = map[string]func(value string) (ok, supported bool){
	"DisplayName":               func(v string) (bool, bool) { return len(v) <= 100, true },
	"SignatureVersion":          func(v string) (bool, bool) { return v == "1" || v == "2", true },
	"FifoTopic":                 func(v string) (bool, bool) { return v == "true" || v == "false", v != "true" },
	"TracingConfig":             func(v string) (bool, bool) { return v == "PassThrough" || v == "Active", v != "Active" },
	"KmsMasterKeyId":            empty,
	"Policy":                    empty,
	"DeliveryPolicy":            empty,
	"ArchivePolicy":             empty,
	"ContentBasedDeduplication": func(v string) (bool, bool) { return v == "true" || v == "false", v != "true" },
}

// empty is the rule of what is carried out only when it says nothing.
func empty(v string) (ok, supported bool) { return true, v == "" || v == "{}" }

// checkAttributes judges attributes by a table.
func checkAttributes(table map[string]func(string) (bool, bool), given map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		rule := table[name]
		if rule == nil {
			return &AttributeError{Name: name, Unknown: true}
		}
		ok, supported := rule(given[name])
		if !ok || !supported {
			return &AttributeError{Name: name, Value: given[name], Unsupported: ok}
		}
	}
	return nil
}

// Create makes a topic. If it exists and has equal values for the attributes given, nothing happens. Errors:
// ErrInvalidName, *AttributeError, ErrExists, ErrTooManyTopics.
func (s *Service) Create(ctx context.Context, name Name, attributes map[string]string) error {
	if !ValidName(name.Name) {
		return ErrInvalidName
	}
	if err := checkAttributes(topicAttributes, attributes); err != nil {
		return err
	}
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	if e, err := s.find(name); err == nil {
		for n, v := range attributes {
			if e.Attributes[n] != v {
				return ErrExists
			}
		}
		return nil
	}
	if s.count() >= maxTopics {
		return ErrTooManyTopics
	}
	row := topicRow{Created: s.now(), Attributes: maps.Clone(attributes)}
	// Not on condition that there is none: an earlier attempt that failed may have left one, which nobody has seen.
	if err := s.topics.Put(context.WithoutCancel(ctx), name.key(), row, 0); err != nil {
		return fmt.Errorf("create topic %s: %w", name.Name, err)
	}
	s.install(name, &entry{topicRow: row})
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
	return Topic{Name: name, Attributes: maps.Clone(e.Attributes), Subscriptions: len(e.subscriptions)}, nil
}

// SetAttribute changes an attribute. Errors: ErrNotFound, *AttributeError.
func (s *Service) SetAttribute(ctx context.Context, name Name, attribute, value string) error {
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	e, err := s.find(name)
	if err != nil {
		return err
	}
	if attribute == "FifoTopic" {
		return &AttributeError{Name: attribute, Unknown: true}
	}
	if err := checkAttributes(topicAttributes, map[string]string{attribute: value}); err != nil {
		return err
	}
	row := topicRow{Created: e.Created, Attributes: maps.Clone(e.Attributes)}
	if row.Attributes == nil {
		row.Attributes = map[string]string{}
	}
	row.Attributes[attribute] = value
	if err := s.topics.Put(context.WithoutCancel(ctx), name.key(), row, 0); err != nil {
		return fmt.Errorf("change topic %s: %w", name.Name, err)
	}
	s.install(name, &entry{topicRow: row, subscriptions: e.subscriptions})
	return nil
}

// Delete removes a topic and its subscriptions; that there is none is no error.
func (s *Service) Delete(ctx context.Context, name Name) error {
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	e, err := s.find(name)
	if err != nil {
		return nil //nolint:nilerr // as on AWS, deleting what is not there is no error
	}
	writes := []store.Write{s.topics.Remove(name.key(), 0)}
	for _, sub := range e.subscriptions {
		writes = append(writes, s.subscriptions.Remove(sub.key(), 0))
	}
	if err := s.tables.Commit(context.WithoutCancel(ctx), writes...); err != nil {
		return fmt.Errorf("delete topic %s: %w", name.Name, err)
	}
	s.install(name, nil)
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
