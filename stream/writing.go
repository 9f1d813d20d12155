package stream

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

var (
	errWithdrawn = errors.New("the put does not wait for it any more")
	errPlace     = errors.New("out of order")
)

// writing is one block of a shard on its way into the store, as a store.Draft. The first of a shard that is not filled
// yet belongs to the put that leads; those that are filled stand in shardLog.underWay, in the order of their ordinals,
// and are shown to readers in that order. All fields are guarded by the log's mutex; from when it is filled until it is
// done, groups and block belong to the store's goroutine.
type writing struct {
	log    *shardLog
	groups []*group
	block  *block
	// filled says that the groups have been taken, done that the store has answered.
	filled, done bool
	ordinal      uint64
	err          error
}

// Size implements store.Draft.
func (w *writing) Size() int {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return int(min(w.log.queued, maxBlockBytes))
}

// Fill implements store.Draft.
func (w *writing) Fill() ([]byte, error) {
	drafts, err := w.take()
	if err != nil {
		return nil, err
	}
	data, b := encodeBlock(drafts)
	w.block = b
	c := w.log.cipher.Load()
	if c == nil || !c.on {
		return data, nil
	}
	for i := range b.records {
		b.records[i].Encrypted = true
	}
	return c.seal(data)
}

// take takes what is queued, and lets the next put lead.
func (w *writing) take() ([]draft, error) {
	l := w.log
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case w.done:
		return nil, errWithdrawn
	case l.gone:
		return nil, ErrGone
	}
	w.groups, w.filled = l.take(), true
	l.underWay = append(l.underWay, w)
	l.passLead()
	return l.drafts(w.groups), nil
}

// end takes the store's answer to a writing, and answers all puts in it and in those behind it that waited for it.
func (a *appender) end(w *writing, err error) {
	l := w.log
	l.mu.Lock()
	if !w.filled {
		w.groups = l.take()
		l.passLead()
		if l.gone {
			err = ErrGone
		}
	}
	w.done, w.err = true, err
	var ended []*writing
	if w.filled {
		for len(l.underWay) > 0 && l.underWay[0].done {
			ended = append(ended, l.underWay[0])
			l.underWay[0] = nil
			l.underWay = l.underWay[1:]
		}
	} else {
		w.err = fmt.Errorf("append to %s in stream %d: %w", l.shard.ID(), l.key.Stream, err)
		ended = append(ended, w)
	}
	for _, w := range ended {
		if w.filled {
			a.settle(w)
		}
	}
	if len(l.underWay) == 0 {
		l.underWay = nil
	}
	if l.idle != nil && l.quiet() {
		close(l.idle)
		l.idle = nil
	}
	l.mu.Unlock()
	for _, w := range ended {
		w.answer()
	}
}

// settle shows a block that is durable to readers. The caller holds the mutex.
func (a *appender) settle(w *writing) {
	l := w.log
	if w.err == nil && (w.ordinal > maxOrdinal || w.ordinal <= l.settled) {
		w.err = fmt.Errorf("ordinal %d: %w", w.ordinal, errPlace)
	}
	if w.err == nil {
		l.settled = w.ordinal
		w.block.place(w.ordinal)
		l.publish(w.block, a.tail)
		return
	}
	if store.InDoubt(w.err) {
		a.doubt(l)
	}
	w.err = fmt.Errorf("append to %s in stream %d: %w", l.shard.ID(), l.key.Stream, w.err)
}

// doubt forgets what is known of the log's end, since the store could not say whether a block was stored. The caller
// holds the mutex.
func (a *appender) doubt(l *shardLog) {
	a.tail.drop(l.key)
	l.loaded, l.oldest, l.doubted = false, oldestUnknown, true
	a.doubted(l)
}

// publish makes a durable block visible and wakes the readers that wait for it. The tail has it before the tip moves, so
// that they find it there. The caller holds the mutex.
func (l *shardLog) publish(b *block, t *tail) {
	before := l.tip
	if l.doubted || b.end() <= l.tip {
		// The block before may be one that the store could not answer for, and the log may have been loaded when this
		// one was durable: the tail begins anew.
		t.drop(l.key)
		before = b.start()
		l.doubted = false
	}
	t.add(l.key, b, before)
	l.tip = max(l.tip, b.end())
	for i := range b.records {
		l.measure(b.records[i].Hash, b.records[i].size())
	}
	if l.oldest == oldestNone {
		l.oldest = b.last
	}
	l.wake()
}

// answer fills in the results of the puts and tells them.
func (w *writing) answer() {
	l, at := w.log, 0
	for _, g := range w.groups {
		if w.err != nil {
			g.fail(g.indexes, w.err)
		} else {
			for _, i := range g.indexes {
				r := &w.block.records[at]
				g.call.results[i] = Put{Shard: l.key.Index, SequenceNumber: l.shard.SequenceNumber(r.Position, r.Arrival), Encrypted: r.Encrypted}
				at++
			}
		}
		g.call.news <- news{group: g, done: true}
	}
}
