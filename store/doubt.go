package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// InDoubt reports whether a write that ended with the error may have happened, or may happen yet.
func InDoubt(err error) bool {
	for _, refusal := range []error{nil, ErrFull, ErrConflict, ErrTooLarge} {
		if errors.Is(err, refusal) {
			return false
		}
	}
	return true
}

// Doubts are the subjects of which a room does not know what the store holds, because a write of theirs ended in doubt.
// Memory goes on as if it had not happened; before the subject is changed again, and every now and then, the room has
// its doubt settled. That is done by a write behind the one in doubt, which decides it, and by the room's own function,
// which then reads what there is and has memory follow.
//
// The methods may be called at the same time from many goroutines, Settle for one subject by one at a time.
type Doubts struct {
	tables Tables

	mu   sync.Mutex
	open map[string]*doubt // by subject
}

// doubt is how one is settled.
type doubt struct{ settle func(context.Context) error }

// NewDoubts returns none.
func NewDoubts(t Tables) *Doubts { return &Doubts{tables: t, open: map[string]*doubt{}} }

// Add says that a subject is in doubt. settle is called when it is decided, and again later should it fail. Of a subject
// that is in doubt already the new function takes the place of the old one.
func (d *Doubts) Add(subject string, settle func(context.Context) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[subject] = &doubt{settle}
}

// Open returns the subjects that are in doubt, in order.
func (d *Doubts) Open() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.open))
}

// Settle returns nil when the subject is in doubt no more, or never was. Otherwise the error is the store's: it is in
// trouble still.
func (d *Doubts) Settle(ctx context.Context, subject string) error {
	d.mu.Lock()
	open := d.open[subject]
	d.mu.Unlock()
	if open == nil {
		return nil
	}
	err := d.decide(ctx)
	if err == nil {
		err = open.settle(ctx)
	}
	if err != nil {
		return fmt.Errorf("find out what became of %s: %w", subject, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[subject] == open { // otherwise it has come to be in doubt once more
		delete(d.open, subject)
	}
	return nil
}

// decide returns nil when all writes that ended before have happened, or never will. It is a write that changes nothing.
func (d *Doubts) decide(ctx context.Context) error {
	return d.tables.Commit(ctx, Write{Table: "doubts", Delete: true})
}
