package queue

import (
	"context"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// outboxBytes bounds what one commit of a FIFO queue carries, unless one send alone has more.
const outboxBytes = 4 << 20

// outbox keeps the sends to a FIFO queue in order: they are numbered and committed one after the other, and nobody
// receives a message while an earlier one is on its way. Those that come while a commit is under way make up the next
// one together, so that many senders share its cost. Its queue's mutex guards it.
type outbox struct {
	waiting []*parcel
	leading bool // somebody commits
}

// dispatchInOrder makes the messages durable after those that were dispatched before.
func (q *queue) dispatchInOrder(ctx context.Context, p *parcel) error {
	p.turn = make(chan bool, 1)
	q.mu.Lock()
	q.outbox.waiting = append(q.outbox.waiting, p)
	lead := !q.outbox.leading
	q.outbox.leading = true
	q.mu.Unlock()
	if lead || <-p.turn {
		q.lead(context.WithoutCancel(ctx)) // it commits for others too
	}
	return p.err
}

// lead commits what waits, the leader's own parcel first, and hands the lead to who came meanwhile.
func (q *queue) lead(ctx context.Context) {
	q.mu.Lock()
	n, bytes := 0, 0
	for n < len(q.outbox.waiting) && (n == 0 || bytes+q.outbox.waiting[n].bytes <= outboxBytes) {
		bytes += q.outbox.waiting[n].bytes
		n++
	}
	batch := q.outbox.waiting[:n:n]
	q.outbox.waiting = q.outbox.waiting[n:]
	q.mu.Unlock()

	err := q.commitInOrder(ctx, batch)
	q.finishSending(err, batch...)
	for _, p := range batch[1:] {
		p.turn <- false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.outbox.leading = len(q.outbox.waiting) > 0; q.outbox.leading {
		q.outbox.waiting[0].turn <- true
	} else {
		q.outbox.waiting = nil
	}
}

// commitInOrder numbers the messages of the parcels, leaves out those that were sent before, and commits the rest.
func (q *queue) commitInOrder(ctx context.Context, batch []*parcel) error {
	if err := q.certain(ctx); err != nil { // what was sent before comes before, or not at all
		return err
	}
	total := 0
	for _, p := range batch {
		total += len(p.drafts)
	}
	number, err := q.mint.take(ctx, total)
	if err != nil {
		return err
	}
	q.mu.Lock()
	set := q.set
	q.mu.Unlock()
	now, met := q.now(), make(map[dedupKey]remembered)
	var writes []store.Write
	for _, p := range batch {
		for i := range p.drafts {
			if err := q.enlist(ctx, set, p, &p.drafts[i], number, now, met); err != nil {
				return err
			}
			number++
		}
		q.await(p)
		writes = append(writes, p.writes...)
	}
	if len(writes) == 0 {
		return nil
	}
	err = q.tables.Commit(ctx, writes...)
	for _, p := range batch {
		p.doubted = store.InDoubt(err) && len(p.writes) > 0
	}
	return err
}

// enlist takes a draft into its parcel's writes, unless it was sent before: then it is answered as the first one was.
func (q *queue) enlist(
	ctx context.Context, set Settings, p *parcel, d *draft, number uint64, now int64, met map[dedupKey]remembered,
) error {
	if d.moved {
		q.stamp(p, d, number, now)
		return nil
	}
	key := newDedupKey(set, &d.content)
	first, again := met[key]
	if !again {
		var err error
		if first, again, err = q.recall(ctx, key, now); err != nil {
			return err
		}
	}
	if again {
		p.sent[d.place].ID, p.sent[d.place].SequenceNumber = uuid.UUID(first.id).String(), sequence(first.number)
		return nil
	}
	q.stamp(p, d, number, now)
	met[key] = remembered{sent: now, number: number, id: d.id}
	row := key.row(q.number, now/dedupWindow)
	p.writes = append(p.writes, store.Write{Table: tableDedup, Key: row, Value: met[key].encode()})
	q.mu.Lock()
	q.rememberLocked(now)
	q.mu.Unlock()
	return nil
}
