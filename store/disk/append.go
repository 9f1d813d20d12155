package disk

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// batchOverhead is more than what a batch of one block takes beside the block.
const batchOverhead = 128

// Append implements store.Blocks.
func (s *Store) Append(ctx context.Context, log store.LogID, draft store.Draft) (uint64, error) {
	ordinal, err := s.append(ctx, log, draft)
	if err != nil {
		return 0, fmt.Errorf("append to log %s: %w", logName(log), err)
	}
	return ordinal, nil
}

func (s *Store) append(ctx context.Context, log store.LogID, draft store.Draft) (uint64, error) {
	size := draft.Size()
	if size > store.MaxBlock {
		return 0, fmt.Errorf("%d bytes: %w", size, store.ErrTooLarge)
	}
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	if err := s.space.admit(int64(size)); err != nil {
		return 0, err
	}
	st, err := s.logState(ctx, log)
	if err != nil {
		return 0, err
	}
	a := &appending{store: s, log: log, state: st, draft: draft}
	// What is complete stays the caller's, so it is copied before the caller can go on. What is large has nothing to wait
	// for, and is copied beside what others do.
	if _, complete := draft.(store.Data); complete || size >= largeBytes {
		err = a.now(ctx, size)
	} else {
		err = a.later(ctx, size)
	}
	if err != nil {
		return 0, err
	}
	return a.ordinal, nil
}

// appending is one block on its way into its log.
type appending struct {
	store   *Store
	log     store.LogID
	state   *logState
	draft   store.Draft
	ordinal uint64
}

// now takes the block's place in the queue and then fills it.
func (a *appending) now(ctx context.Context, size int) error {
	w := &write{bytes: int64(size) + batchOverhead, publish: a.publish, place: a.placeLocked, filled: make(chan struct{})}
	w.fill = func() error {
		data, err := a.content(w)
		if err != nil {
			return err
		}
		w.batch = a.store.db.NewBatchWithSize(len(data) + batchOverhead)
		return a.add(w.batch, data)
	}
	return a.store.submit(ctx, w)
}

// later leaves it to the apply stage to fill the block.
func (a *appending) later(ctx context.Context, size int) error {
	w := &write{batch: a.store.db.NewBatch(), bytes: int64(size) + batchOverhead, publish: a.publish, late: true}
	w.prepare = func(batch *pebble.Batch) error {
		if err := a.place(); err != nil {
			return err
		}
		data, err := a.content(w)
		if err != nil {
			return err
		}
		return a.add(batch, data)
	}
	return a.store.submit(ctx, w)
}

// place gives the block its ordinal. Blocks become durable in the order in which they are given theirs, and the next one may
// come as soon as the draft is asked for its content.
func (a *appending) place() error {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	return a.placeLocked()
}

func (a *appending) placeLocked() error {
	if err := a.state.checkLive(); err != nil {
		return err
	}
	a.state.last++
	a.ordinal = a.state.last
	return nil
}

// content has the draft filled. What has come to it since its size was asked counts from now on.
func (a *appending) content(w *write) ([]byte, error) {
	data, err := a.draft.Fill()
	if err == nil && len(data) > store.MaxBlock {
		err = fmt.Errorf("%d bytes: %w", len(data), store.ErrTooLarge)
	}
	if more := int64(len(data)) + batchOverhead - w.bytes; err == nil && more > 0 {
		a.store.gate.grow(more)
		w.bytes += more
	}
	return data, err
}

// add copies the block into a batch.
func (a *appending) add(batch *pebble.Batch, data []byte) error {
	slot := batch.SetDeferred(blockKeyLen, sealLen+len(data))
	copy(slot.Key, blockKey(a.log, a.ordinal))
	copy(slot.Value[sealLen:], data)
	putSeal(slot.Value, bodySum(data), slot.Key)
	return slot.Finish()
}

// publish shows the block to readers. The caller holds Store.mu.
func (a *appending) publish() {
	if a.state.first > a.state.durable {
		a.state.first = a.ordinal
	}
	a.state.durable = a.ordinal
}
