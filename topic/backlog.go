package topic

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/millrace/millrace/store"
)

// maxBacklog is how many messages may wait for one endpoint.
const maxBacklog = 100_000

// parcelRow is where a message that waits for an endpoint stands. Its text lies apart, so that the attempts need not write it
// again.
type parcelRow struct {
	Attempts int       `json:",omitempty"` // that failed
	Due      time.Time `json:",omitzero"`  // not to be tried before
	// Dead says that the endpoint is given up, and only the dead-letter queue is wanted; Reason is why.
	Dead   bool   `json:",omitempty"`
	Reason string `json:",omitempty"`
}

// contentRow is what waits.
type contentRow struct {
	Type              string
	ID, Text, Subject string
	Token             string `json:",omitempty"`
	Attributes        map[string]Attribute
	Time              time.Time
	Trace             string `json:",omitempty"`
}

func (n *notification) content() contentRow {
	return contentRow{Type: n.kind, ID: n.id, Text: n.text, Subject: n.subject, Attributes: n.attributes, Time: n.time, Trace: n.trace}
}

func (c *contentRow) notification(e *entry, sub *Subscription) notification {
	return notification{
		kind: c.Type, topic: sub.Topic, subscription: sub, id: c.ID, token: c.Token, text: c.Text, subject: c.Subject,
		attributes: c.Attributes, time: c.Time, trace: c.Trace, version: e.Attributes[SignatureVersion],
	}
}

// backlog is what waits for the endpoints that may be slow, in the store. In memory are only counts.
type backlog struct {
	tables   store.Tables
	rows     store.Collection[parcelRow]
	contents store.Collection[contentRow]

	mu    sync.Mutex
	last  uint64         // the highest number given
	depth map[string]int // by the subscription's key
}

func newBacklog(t store.Tables) *backlog {
	return &backlog{
		tables: t, depth: map[string]int{},
		rows:     store.NewCollection[parcelRow](t, tableBacklog),
		contents: store.NewCollection[contentRow](t, tableContents),
	}
}

// load counts what waits.
func (b *backlog) load(ctx context.Context) error {
	for item, err := range b.rows.Scan(ctx, "") {
		if err != nil {
			return err
		}
		parts := store.SplitKey(item.Key)
		if len(parts) != 5 {
			return fmt.Errorf("backlog %q: %w", item.Key, store.ErrCorrupt)
		}
		number, err := strconv.ParseUint(parts[4], 16, 64)
		if err != nil {
			return fmt.Errorf("backlog %q: %w", item.Key, store.ErrCorrupt)
		}
		b.last = max(b.last, number)
		b.depth[store.Key(parts[:4]...)]++
	}
	return nil
}

// next returns the key for another message to a subscription.
func (b *backlog) next(sub *Subscription) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	return store.Key(sub.key(), fmt.Sprintf("%016x", b.last))
}

func (b *backlog) writes(key string, c contentRow) ([]store.Write, error) {
	row, err := b.rows.Write(key, parcelRow{}, 0)
	if err != nil {
		return nil, err
	}
	content, err := b.contents.Write(key, c, 0)
	return []store.Write{row, content}, err
}

// added counts what was committed.
func (b *backlog) added(subscription string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.depth[subscription] += n; b.depth[subscription] <= 0 {
		delete(b.depth, subscription)
	}
}

func (b *backlog) full(subscription string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.depth[subscription] >= maxBacklog
}

// subscriptions are the keys of those for which something waits.
func (b *backlog) subscriptions() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := make([]string, 0, len(b.depth))
	for key := range b.depth {
		keys = append(keys, key)
	}
	return keys
}

// settle forgets a message that is done with.
func (b *backlog) settle(ctx context.Context, subscription, key string) error {
	if err := b.tables.Commit(ctx, b.rows.Remove(key, 0), b.contents.Remove(key, 0)); err != nil {
		return err
	}
	b.added(subscription, -1)
	return nil
}

// wakes says for which subscriptions there may be something to do.
type wakes struct {
	signal chan struct{}
	mu     sync.Mutex
	keys   map[string]struct{}
}

func newWakes() *wakes {
	return &wakes{signal: make(chan struct{}, 1), keys: map[string]struct{}{}}
}

func (w *wakes) add(key string) {
	w.mu.Lock()
	w.keys[key] = struct{}{}
	w.mu.Unlock()
	select {
	case w.signal <- struct{}{}:
	default: // one that is not yet taken says enough
	}
}

func (w *wakes) take() map[string]struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := w.keys
	w.keys = map[string]struct{}{}
	return keys
}
