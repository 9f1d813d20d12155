package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// settleEvery is how often it is tried to settle doubts while there are some.
const settleEvery = time.Second

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
// The methods may be called at the same time from many goroutines; a doubt is settled by one of them at a time. So a room's
// function may change what a subject is in memory without the room's own gates, if everybody who changes the subject
// settles it behind these: while he changes it, it is not in doubt.
type Doubts struct {
	tables Tables
	added  chan struct{} // holds one: there is a new one
	gate   chan struct{} // held by the one that is admitted

	mu   sync.Mutex
	open map[string]*doubt // by subject
}

// doubt is how one is settled.
type doubt struct {
	settle func(context.Context) error
	turn   chan struct{} // held by the one that settles it
}

// NewDoubts returns none.
func NewDoubts(t Tables) *Doubts {
	return &Doubts{tables: t, added: make(chan struct{}, 1), gate: make(chan struct{}, 1), open: map[string]*doubt{}}
}

// Add says that a subject is in doubt. settle is called when it is decided, and again later should it fail. Of a subject
// that is in doubt already the new function takes the place of the old one.
func (d *Doubts) Add(subject string, settle func(context.Context) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[subject] = &doubt{settle, make(chan struct{}, 1)}
	select {
	case d.added <- struct{}{}:
	default: // one that is not yet taken says enough
	}
}

// Admit admits one change at a time, when it is known what became of all those before. The caller calls done when it has made its
// own. Errors: the store's, when it is in trouble still, and ctx's.
func (d *Doubts) Admit(ctx context.Context) (done func(), err error) {
	select {
	case d.gate <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := d.SettleAll(ctx, ""); err != nil {
		<-d.gate
		return nil, err
	}
	return func() { <-d.gate }, nil
}

// Keep settles doubts as they come to be, and again every second those that cannot be settled yet, until ctx ends.
func (d *Doubts) Keep(ctx context.Context, clock clockwork.Clock, log *slog.Logger) {
	for {
		var again <-chan time.Time
		if err := d.SettleAll(ctx, ""); err != nil && ctx.Err() == nil {
			log.Warn("doubt cannot be settled yet", "error", err)
			again = clock.After(settleEvery)
		}
		select {
		case <-d.added:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// SettleAll settles the subjects that begin with the prefix. It returns nil when none of them is in doubt any more, and
// otherwise what Settle did of the first that is.
func (d *Doubts) SettleAll(ctx context.Context, prefix string) error {
	var first error
	for _, subject := range d.Open() {
		if !strings.HasPrefix(subject, prefix) {
			continue
		}
		if err := d.Settle(ctx, subject); first == nil {
			first = err
		}
	}
	return first
}

// Open returns the subjects that are in doubt, in order.
func (d *Doubts) Open() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.open) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(d.open))
}

// Settle returns nil when the subject is in doubt no more, or never was. Otherwise the error is the store's: it is in
// trouble still.
func (d *Doubts) Settle(ctx context.Context, subject string) error {
	open := d.doubt(subject)
	if open == nil {
		return nil
	}
	select {
	case open.turn <- struct{}{}:
		defer func() { <-open.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if d.doubt(subject) != open {
		return d.Settle(ctx, subject) // somebody else has settled it
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

func (d *Doubts) doubt(subject string) *doubt {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[subject]
}

// decide returns nil when all writes that ended before have happened, or never will. It is a write that changes nothing.
func (d *Doubts) decide(ctx context.Context) error {
	return d.tables.Commit(ctx, Write{Table: "doubts", Delete: true})
}
