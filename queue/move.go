package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// move is a number of messages on their way from one queue to another. They are held in the first until it is done.
type move struct {
	from   *queue
	batch  []*entry
	drafts []draft // of the batch, in its order
	// recount is called when a doubt about it is over, if it is not nil.
	recount func(context.Context) error
}

// pack reads messages that are held, to be moved. One that is gone is dropped, one that is damaged stays behind, out of
// sight for a visibility timeout. When there is an error none is held any longer.
func (q *queue) pack(ctx context.Context, batch []*entry) (*move, error) {
	m := &move{from: q}
	for i, e := range batch {
		row, err := q.tables.Get(ctx, tableBodies, messageKey(q.number, e.number))
		var c *content
		if err == nil {
			if c, err = decodeContent(row.Value); err != nil {
				err = fmt.Errorf("%w: %w", store.ErrCorrupt, err)
			}
		}
		switch {
		case err == nil:
			m.batch = append(m.batch, e)
			m.drafts = append(m.drafts, draft{content: *c, moved: true, place: len(m.drafts)})
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrCorrupt):
			q.leaveBehind(e, err)
		default:
			q.release(append(m.batch, batch[i:]...), false)
			return nil, fmt.Errorf("read message %d to move it: %w", e.number, err)
		}
	}
	return m, nil
}

// leaveBehind lets go of a message that cannot be read.
func (q *queue) leaveBehind(e *entry, err error) {
	q.mu.Lock()
	now := q.now()
	if errors.Is(err, store.ErrCorrupt) {
		e.deadline = now + q.set.Visibility.Milliseconds()
		q.log.Error("a message is damaged and was not moved", "queue", q.name.ARN(), "message", e.number, "error", err)
	} else if !e.deleted {
		q.forgetLocked(e)
		q.throwLocked(trash{position: e.position, header: true, receive: e.saved}, now)
	}
	q.mu.Unlock()
	q.release([]*entry{e}, false)
}

// to puts the messages into another queue and takes them out of their own, by one commit, together with more. They are
// held until it is known what became of it.
func (m *move) to(ctx context.Context, to *queue, more ...store.Write) error {
	if len(m.batch) == 0 {
		return nil
	}
	p := &parcel{
		sent: make([]Sent, len(m.drafts)), drafts: m.drafts, writes: append(m.from.deletions(m.batch), more...),
		conclude: m.conclude,
	}
	for i := range m.drafts {
		p.bytes += len(m.drafts[i].body)
	}
	err := to.ready(ctx)
	if err == nil {
		err = to.dispatch(ctx, p)
	}
	if !p.doubted {
		m.from.release(m.batch, err == nil)
	}
	if err != nil {
		return fmt.Errorf("move messages to %s: %w", to.name, err)
	}
	return nil
}

// conclude lets go of the messages when it is known what became of them.
func (m *move) conclude(ctx context.Context) error {
	if m.recount != nil {
		if err := m.recount(ctx); err != nil {
			return err
		}
	}
	return m.from.concludeRelease(ctx, m.batch)
}
