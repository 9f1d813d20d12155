package topic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/store"
)

// The tables of the room. Their forms are part of the store's format.
const (
	tableTopics        = "topics"              // by account, region and name
	tableSubscriptions = "topic-subscriptions" // by the topic's key and the subscription's id
	tableKeys          = "topic-keys"
	tableBacklog       = "topic-backlog"         // by the subscription's key and a number
	tableContents      = "topic-backlog-content" // by the same
	tableDedups        = "topic-dedup"           // by the topic's key, the message group or nothing, and the deduplication id
	tableAges          = "topic-dedup-age"       // by the topic's key, a time and a sequence number
	tableSequences     = "topic-sequence"        // by the topic's key
)

// Bounds.
const (
	maxTopics        = 10_000
	maxSubscriptions = 1_000 // of a topic
)

// Name names a topic.
type Name struct{ Account, Region, Name string }

// ARN returns the topic's Amazon Resource Name.
func (n Name) ARN() string { return arn.New("sns", n.Region, n.Account, n.Name).String() }

func (n Name) key() string { return store.Key(n.Account, n.Region, n.Name) }

// Deliverer hands messages over to queues.
type Deliverer interface {
	// Deliver returns when the messages are durable at the endpoint. What it can never take it refuses: refused is empty, or
	// has for each message nil or the reason. After an error the messages may be there or not.
	Deliver(ctx context.Context, endpoint string, messages []Delivery) (refused []error, err error)
}

// Delivery is one message as a queue receives it.
type Delivery struct {
	Body       string
	Attributes map[string]Attribute // of raw messages only
	// Group and DeduplicationID are the publisher's.
	Group, DeduplicationID *string
}

// Permission is asked whether a topic may bring something to a queue or a function: nil when it may, else the reason why it may
// not, after which nothing is tried again.
type Permission interface {
	MayDeliver(ctx context.Context, topic Name, endpoint string) error
}

// Config is what a Service is made of. Store, Clock and Deliverer are required.
type Config struct {
	Store     store.Tables
	Clock     clockwork.Clock
	Log       *slog.Logger // default: discards
	Deliverer Deliverer
	Invoker   Invoker // of functions; default: there are none
	Poster    Poster  // to web servers; default: there are none
	// Permission is asked before queues and functions are given anything; default: topics may do so.
	Permission Permission
	// URL is where clients reach this server, for the links in notifications.
	URL string
}

// Service keeps the topics of all accounts and regions. All methods may be called at the same time. Run brings
// messages to web servers and functions; without it they wait.
type Service struct {
	clock         clockwork.Clock
	log           *slog.Logger
	deliverer     Deliverer
	permission    Permission
	invoker       Invoker
	poster        Poster
	url           string
	tables        store.Tables
	topics        store.Collection[topicRow]
	subscriptions store.Collection[subscriptionRow]
	dedups        store.Collection[dedupRow]
	ages          store.Collection[ageRow]
	sequences     store.Collection[sequenceRow]
	backlog       *backlog
	wakes         *wakes
	signer        *signer
	doubts        *store.Doubts // about topics
	doubtNumber   atomic.Uint64

	mu    sync.RWMutex
	known map[Name]*entry
}

// entry is a topic in memory. It is replaced, never changed, so that readers need no lock.
type entry struct {
	topicRow
	subscriptions []Subscription // in the order of their ids
	order         *order         // of publishes to a FIFO topic; the same in all entries of the topic
}

// New reads the topics. It starts nothing.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Store == nil || c.Clock == nil || c.Deliverer == nil {
		return nil, errors.New("topic: Store, Clock and Deliverer are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		clock: c.Clock, log: c.Log, deliverer: c.Deliverer, permission: c.Permission, invoker: c.Invoker, poster: c.Poster, url: c.URL, tables: c.Store,
		topics:        store.NewCollection[topicRow](c.Store, tableTopics),
		subscriptions: store.NewCollection[subscriptionRow](c.Store, tableSubscriptions),
		dedups:        store.NewCollection[dedupRow](c.Store, tableDedups),
		ages:          store.NewCollection[ageRow](c.Store, tableAges),
		sequences:     store.NewCollection[sequenceRow](c.Store, tableSequences),
		backlog:       newBacklog(c.Store),
		wakes:         newWakes(),
		signer:        newSigner(c.Store, c.Clock),
		doubts:        store.NewDoubts(c.Store),
		known:         map[Name]*entry{},
	}
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	return s, nil
}

func (s *Service) load(ctx context.Context) error {
	for item, err := range s.topics.Scan(ctx, "") {
		if err != nil {
			return err
		}
		parts := store.SplitKey(item.Key)
		if len(parts) != 3 {
			return fmt.Errorf("topic %q: %w", item.Key, store.ErrCorrupt)
		}
		s.known[Name{parts[0], parts[1], parts[2]}] = &entry{topicRow: item.Value, order: newOrder()}
	}
	for item, err := range s.subscriptions.Scan(ctx, "") {
		if err != nil {
			return err
		}
		parts := store.SplitKey(item.Key)
		if len(parts) != 4 || s.known[Name{parts[0], parts[1], parts[2]}] == nil {
			return fmt.Errorf("subscription %q: %w", item.Key, store.ErrCorrupt)
		}
		name := Name{parts[0], parts[1], parts[2]}
		e := s.known[name]
		sub, err := item.Value.subscription(name, parts[3])
		if err != nil {
			return fmt.Errorf("subscription %q: %w", item.Key, err)
		}
		e.subscriptions = append(e.subscriptions, sub)
	}
	return s.backlog.load(ctx)
}

func (s *Service) find(name Name) (*entry, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.known[name]; e != nil {
		return e, nil
	}
	return nil, ErrNotFound
}

// install puts a topic into memory in place of what it was; nil takes it out.
func (s *Service) install(name Name, e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e == nil {
		delete(s.known, name)
		return
	}
	s.known[name] = e
}

// now is the time as it is stored and shown: in UTC, to the millisecond.
func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }
