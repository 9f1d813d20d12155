package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/store"
)

// roster knows the consumers of all streams. Whoever changes it has control of the service.
type roster struct {
	table consumerTable

	mu       sync.RWMutex
	byStream map[uint64]map[string]*registration // by the number of the stream, and the consumer's name
}

// registration is a consumer as the service keeps it. It is never changed: a new one takes its place, and its seats.
type registration struct {
	consumer Consumer
	number   uint64    // of the stream's incarnation
	since    time.Time // when it came into its status
	seats    *seats
}

func newRoster(t store.Tables) *roster {
	return &roster{table: newConsumerTable(t), byStream: make(map[uint64]map[string]*registration)}
}

// in returns a registration like r that has just come into the status.
func (r *registration) in(status Status, now time.Time) *registration {
	moved := *r
	moved.consumer.Status, moved.since = status, now
	return &moved
}

// snapshot returns the consumer as it is seen: it goes when its stream does.
func (r *registration) snapshot(st *Stream) Consumer {
	c := r.consumer
	if st.Status == StatusDeleting {
		c.Status = StatusDeleting
	}
	return c
}

func (ro *roster) publish(r *registration) {
	ro.mu.Lock()
	defer ro.mu.Unlock()
	if ro.byStream[r.number] == nil {
		ro.byStream[r.number] = make(map[string]*registration)
	}
	ro.byStream[r.number][r.consumer.Name] = r
}

func (ro *roster) forget(number uint64, name string) {
	ro.mu.Lock()
	defer ro.mu.Unlock()
	delete(ro.byStream[number], name)
	if len(ro.byStream[number]) == 0 {
		delete(ro.byStream, number)
	}
}

func (ro *roster) find(number uint64, name string) (*registration, bool) {
	ro.mu.RLock()
	defer ro.mu.RUnlock()
	r, ok := ro.byStream[number][name]
	return r, ok
}

// of returns the consumers of a stream in order of their names.
func (ro *roster) of(number uint64) []*registration {
	ro.mu.RLock()
	defer ro.mu.RUnlock()
	all := make([]*registration, 0, len(ro.byStream[number]))
	for _, r := range ro.byStream[number] {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *registration) int { return cmp.Compare(a.consumer.Name, b.consumer.Name) })
	return all
}

// stays reports whether a stream has a consumer that is not going.
func (ro *roster) stays(number uint64) bool {
	return slices.ContainsFunc(ro.of(number), func(r *registration) bool { return r.consumer.Status != StatusDeleting })
}

// moving returns the consumers that are on their way to another state.
func (ro *roster) moving() []*registration {
	ro.mu.RLock()
	defer ro.mu.RUnlock()
	var found []*registration
	for _, consumers := range ro.byStream {
		for _, r := range consumers {
			if r.consumer.Status != StatusActive {
				found = append(found, r)
			}
		}
	}
	return found
}

// removals are the writes that delete the consumers.
func (ro *roster) removals(all []*registration) []store.Write {
	writes := make([]store.Write, len(all))
	for i, r := range all {
		writes[i] = ro.table.remove(r)
	}
	return writes
}

// reread brings memory in line with the store after a commit of which the store could not say whether it happened.
func (ro *roster) reread(ctx context.Context, r *registration) error {
	stored, err := ro.table.get(ctx, &r.consumer)
	switch {
	case errors.Is(err, store.ErrNotFound):
		ro.forget(r.number, r.consumer.Name)
		r.seats.end(&ConsumerNotFoundError{r.consumer.ID()})
		return nil
	case err != nil:
		return fmt.Errorf("read consumer %s again: %w", r.consumer.Name, err)
	}
	if known, ok := ro.find(stored.number, stored.consumer.Name); ok {
		stored.seats = known.seats
	}
	if stored.consumer.Status == StatusDeleting {
		stored.seats.end(&ConsumerNotFoundError{stored.consumer.ID()})
	}
	ro.publish(stored)
	return nil
}
