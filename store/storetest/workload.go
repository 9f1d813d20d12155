package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace/millrace/store"
)

// Workload is a number of writers that each write to a log, to a pair of table entries and to blobs of their own. What a
// writer does follows from the seed alone, so that a process that saw only the writers' reports can tell what must be
// in the store.
type Workload struct {
	writers []*writer
	// OnBegin and OnAck, if set before Run, are told of every act: before it is handed to the store, and after the
	// store acknowledged it with that number (an ordinal, a revision or 0). They are called from many goroutines.
	OnBegin func(writer int)
	OnAck   func(writer int, number uint64)
}

// NewWorkload returns a workload. Workloads of different seeds write to different places, so that several may follow
// each other in one store.
func NewWorkload(seed uint64, writers int) *Workload {
	w := &Workload{}
	for i := range writers {
		w.writers = append(w.writers, newWriter(seed, i))
	}
	return w
}

// Run lets every writer do so many acts, all at once, and returns when they have or when one failed. A writer whose act
// failed does no more: what became of it is open until Settle.
func (w *Workload) Run(ctx context.Context, s store.Store, acts int) error {
	errs := make([]error, len(w.writers))
	var group sync.WaitGroup
	for i, wr := range w.writers {
		group.Go(func() {
			for n := 0; n < acts && errs[i] == nil; n++ {
				errs[i] = w.step(ctx, s, wr)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (w *Workload) step(ctx context.Context, s store.Store, wr *writer) error {
	act := wr.begin()
	if w.OnBegin != nil {
		w.OnBegin(wr.id)
	}
	number, err := wr.do(ctx, s, act)
	if err != nil {
		return fmt.Errorf("writer %d: %s: %w", wr.id, act, err)
	}
	if err := wr.ack(number); err != nil {
		return fmt.Errorf("writer %d: %s: %w", wr.id, act, err)
	}
	if w.OnAck != nil {
		w.OnAck(wr.id, number)
	}
	return nil
}

// Begin notes that a writer of another process began its next act.
func (w *Workload) Begin(writer int) { w.writers[writer].begin() }

// Ack notes that a writer of another process had its act acknowledged.
func (w *Workload) Ack(writer int, number uint64) error { return w.writers[writer].ack(number) }

// Record is what was acknowledged at one moment, and what was under way.
type Record []state

// Record returns the record of this moment.
func (w *Workload) Record() Record {
	r := make(Record, len(w.writers))
	for i, wr := range w.writers {
		r[i] = wr.state()
	}
	return r
}

// Forget gives up on acts under way that failed: ErrFull and the like say that they did not happen.
func (w *Workload) Forget() {
	for _, wr := range w.writers {
		wr.mu.Lock()
		wr.now.underWay = nil
		wr.mu.Unlock()
	}
}
