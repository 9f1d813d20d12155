package queue

import (
	"context"
	"fmt"
	"slices"

	"github.com/millrace/millrace/store"
)

// refill is a reading on of the window, while it is under way.
type refill struct {
	late []fresh             // sent meanwhile, beyond the edge
	gone map[uint64]struct{} // deleted meanwhile
}

// ready returns when the queue's index is complete. It reads the queue's headers if nobody has done so since the start,
// or waits for the one who does.
func (q *queue) ready(ctx context.Context) error {
	for {
		q.mu.Lock()
		if q.gone {
			q.mu.Unlock()
			return ErrNotFound
		}
		if q.loaded {
			q.mu.Unlock()
			return nil
		}
		if q.busy == nil {
			return q.load(ctx)
		}
		busy := q.busy
		q.mu.Unlock()
		if err := wait(ctx, busy); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// load reads the index. It is called with the mutex held and gives it up.
func (q *queue) load(ctx context.Context) error {
	busy := make(chan struct{})
	q.busy = busy
	purged := q.def.PurgedThrough
	q.mu.Unlock()

	found, err := q.readIndex(ctx, purged)

	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = nil
	close(busy)
	if err != nil {
		return err
	}
	if q.gone {
		return ErrNotFound
	}
	now := q.now()
	q.loaded = true
	q.window, q.fresh, q.delays = found.window, found.fresh, found.delays
	q.entries = found.entries
	q.groups = found.groups
	for _, e := range q.entries {
		q.placeLocked(e, now)
	}
	if q.groups != nil {
		q.regroupAllLocked(now)
		q.remembered = now
	}
	for _, t := range found.trash {
		q.throwLocked(t, now)
	}
	q.sweep = found.purged
	if q.fresh > 0 || len(q.entries) > 0 {
		q.expiry = now
	}
	if q.expiry == now || q.sweep || q.remembered == now {
		q.chores.set(q, now)
	}
	return nil
}

// index is what a load found.
type index struct {
	window  window
	groups  *groups // of a FIFO queue
	fresh   int64
	delays  *delays
	entries map[uint64]*entry
	trash   []trash
	purged  bool // there are rows of purged messages
}

// readIndex scans the rows of receives, then the headers.
func (q *queue) readIndex(ctx context.Context, purged uint64) (*index, error) {
	found := &index{window: newWindow(), entries: make(map[uint64]*entry)}
	if q.name.FIFO() {
		found.groups = newGroups()
	}
	if err := q.readReceives(ctx, found); err != nil {
		return nil, fmt.Errorf("read receives of queue %d: %w", q.number, err)
	}
	now, prefix := q.now(), queuePrefix(q.number)
	seen := make(map[uint64]struct{}, len(found.entries))
	for row, err := range q.tables.Scan(ctx, tableHeaders, prefix, store.PrefixEnd(prefix)) {
		f, err := parseHeader(row, err)
		if err == nil {
			err = ctx.Err() // there may be many
		}
		if err != nil {
			return nil, fmt.Errorf("read headers of queue %d: %w", q.number, err)
		}
		if f.number <= purged {
			found.purged = true
			continue
		}
		if e := found.entries[f.number]; e != nil {
			e.position, e.sent = f.position, f.sent
			seen[f.number] = struct{}{}
			if found.groups != nil {
				e.group = found.groups.of(f.group)
				e.group.begun = append(e.group.begun, e) // headers come in order
			}
			continue
		}
		found.count(f, now, q.limits.inFlight)
	}
	for number, e := range found.entries {
		if _, ok := seen[number]; !ok {
			delete(found.entries, number)
			found.trash = append(found.trash, trash{position: e.position, receive: true})
		}
	}
	return found, nil
}

// readReceives makes an entry of each row of a receive.
func (q *queue) readReceives(ctx context.Context, found *index) error {
	prefix := queuePrefix(q.number)
	for row, err := range q.tables.Scan(ctx, tableReceives, prefix, store.PrefixEnd(prefix)) {
		if err != nil {
			return err
		}
		number, err := parseMessageKey(row.Key)
		if err != nil {
			return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
		}
		r, err := decodeReceives(row.Value)
		if err != nil {
			return corrupt(tableReceives, q.number, number, err)
		}
		found.entries[number] = &entry{position: position{number: number}, receives: r, saved: true}
	}
	return nil
}

// count takes in a fresh message. Of a FIFO queue's it keeps as many as memory may know of.
func (x *index) count(f fresh, now int64, limit int) {
	x.fresh++
	if f.due > now {
		if x.delays == nil {
			x.delays = new(delays)
			x.delays.forward(now)
		}
		x.delays.add(f.due, 1)
	}
	full := x.window.len() == windowFill
	if x.groups != nil {
		full = x.groups.fresh+len(x.entries) >= limit
	}
	if x.window.complete() && full {
		x.window.edge = f.position
	}
	switch {
	case x.groups == nil:
		x.window.insert(f)
	case f.before(x.window.edge):
		x.groups.insert(f)
	}
}

// parseHeader reads a row of the headers' table as Scan yields it.
func parseHeader(row store.Entry, err error) (fresh, error) {
	if err != nil {
		return fresh{}, err
	}
	p, err := parseHeaderKey(row.Key)
	if err != nil {
		return fresh{}, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	sent, group, err := decodeHeader(row.Value)
	if err != nil {
		return fresh{}, fmt.Errorf("message %d: %w: %w", p.number, store.ErrCorrupt, err)
	}
	return fresh{position: p, sent: sent, group: group}, nil
}

// readOn fills the window from the store, or waits for the one who does. The caller looks again afterwards.
func (q *queue) readOn(ctx context.Context) error {
	q.mu.Lock()
	if busy := q.busy; busy != nil {
		q.mu.Unlock()
		return wait(ctx, busy)
	}
	room := q.roomLocked()
	if q.gone || room <= 0 {
		q.mu.Unlock()
		return nil
	}
	busy := make(chan struct{})
	q.busy = busy
	q.refill = &refill{gone: make(map[uint64]struct{})}
	from, purged := q.window.edge, q.def.PurgedThrough
	q.mu.Unlock()

	more, edge, err := q.readWindow(ctx, from, room)

	q.mu.Lock()
	defer q.mu.Unlock()
	under := q.refill
	q.busy, q.refill = nil, nil
	close(busy)
	if err != nil {
		return fmt.Errorf("read headers of queue %d: %w", q.number, err)
	}
	if q.gone || q.def.PurgedThrough != purged || q.window.edge != from {
		return nil
	}
	q.window.edge = edge
	now := q.now()
	for _, f := range slices.Concat(more, under.late) {
		if q.isFreshLocked(f, under) {
			q.shelveLocked(f, now)
		}
	}
	return nil
}

// isFreshLocked reports whether a header that a refill read is one that nobody has received, sent or deleted since.
func (q *queue) isFreshLocked(f fresh, under *refill) bool {
	if _, ok := q.entries[f.number]; ok {
		return false
	}
	if _, ok := q.pending[f.number]; ok {
		return false // its sender will put it in
	}
	_, gone := under.gone[f.number]
	return !gone && f.number > q.def.PurgedThrough
}

// readWindow reads up to so many headers, and says where it stopped.
func (q *queue) readWindow(ctx context.Context, from position, room int) ([]fresh, position, error) {
	var more []fresh
	to := store.PrefixEnd(queuePrefix(q.number))
	for row, err := range q.tables.Scan(ctx, tableHeaders, headerKey(q.number, from), to) {
		f, err := parseHeader(row, err)
		if err != nil {
			return nil, from, err
		}
		if len(more) == room {
			return more, f.position, nil
		}
		more = append(more, f)
	}
	return more, lastPosition, nil
}
