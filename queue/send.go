package queue

import (
	"context"
	"crypto/md5"
	"fmt"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// Sent is what became of one message of a send.
type Sent struct {
	// ID is the message's id, a UUID. A FIFO queue that knows the message again answers with that of the first.
	ID string
	// SequenceNumber is its place in a FIFO queue; "" in a standard one.
	SequenceNumber string
	// Digest, AttributesDigest and TraceDigest are MD5s in hex; "" where there was nothing.
	Digest, AttributesDigest, TraceDigest string
	// Err is why this message, and not the others, was refused. One of ErrEmptyBody, ErrInvalidCharacters,
	// ErrDelayRange, ErrNoGroup, ErrNoDeduplication, *TooLongError, *MessageAttributeError, *ParameterError.
	Err error
}

// Send puts messages into the queue, and answers for each in the order given. Those that were not refused are durable
// when it returns, all by one commit. An error means that none was sent: ErrNotFound, a *TooLongError when the
// messages together are too long, or one of the store's, after which they may have been sent or not: those that were are there once that is known.
func (s *Service) Send(ctx context.Context, name Name, messages ...Message) ([]Sent, error) {
	sent, err := s.send(ctx, name, messages)
	if err != nil {
		return nil, fmt.Errorf("send to %s: %w", name, err)
	}
	return sent, nil
}

func (s *Service) send(ctx context.Context, name Name, messages []Message) ([]Sent, error) {
	q, err := s.find(name)
	if err != nil {
		return nil, err
	}
	total := 0
	for i := range messages {
		total += messages[i].size()
	}
	if len(messages) > 1 && total > MaxBatchBytes {
		return nil, &TooLongError{Batch: true, Limit: MaxBatchBytes, Bytes: total}
	}
	if err := q.ready(ctx); err != nil {
		return nil, err
	}
	p, err := q.prepare(messages)
	if err == nil {
		err = q.dispatch(ctx, p)
	}
	return p.sent, err
}

// parcel is a number of messages on their way into a queue together.
type parcel struct {
	sent   []Sent
	drafts []draft
	bytes  int
	fresh  []fresh
	writes []store.Write // theirs, and what else is to be done with them

	turn chan bool // to a FIFO queue: true when it is this sender's turn to commit, false when that was done for it
	err  error
	// doubted says that it is not known whether they are in the store. Once it is, conclude is called, if there is one.
	doubted  bool
	conclude func(context.Context) error
}

// draft is a message without a number.
type draft struct {
	content
	sent  int64 // milliseconds of Unix time; 0 takes the moment
	delay int64 // milliseconds
	place int   // in the parcel's answers
	moved bool  // from another queue, and never taken for one sent before
}

// prepare judges the messages, and makes drafts of those that pass.
func (q *queue) prepare(messages []Message) (*parcel, error) {
	q.mu.Lock()
	set := q.set
	q.mu.Unlock()
	p := &parcel{sent: make([]Sent, len(messages))}
	for i := range messages {
		m := &messages[i]
		if p.sent[i].Err = m.check(set); p.sent[i].Err != nil {
			continue
		}
		id, err := uuid.NewRandom()
		if err != nil {
			return p, fmt.Errorf("make a message id: %w", err)
		}
		d := draft{delay: set.Delay.Milliseconds(), place: i, content: content{
			id: id, digest: md5.Sum([]byte(m.Body)), sender: m.Sender, trace: m.TraceHeader,
			attributes: m.Attributes, body: m.Body, origin: origin{group: value(m.Group), dedup: value(m.DeduplicationID)},
		}}
		if m.Delay != nil {
			d.delay = m.Delay.Milliseconds()
		}
		if set.FIFO && d.dedup == "" {
			d.dedup = contentID(m.Body)
		}
		p.drafts = append(p.drafts, d)
		p.bytes += m.size()
		p.sent[i] = Sent{
			ID: id.String(), Digest: hexDigest(d.digest),
			AttributesDigest: AttributesDigest(m.Attributes), TraceDigest: TraceDigest(m.TraceHeader),
		}
	}
	return p, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// dispatch makes the messages durable and takes them into the index.
func (q *queue) dispatch(ctx context.Context, p *parcel) error {
	if err := q.beginSending(ctx); err != nil {
		return err
	}
	if q.name.FIFO() {
		return q.dispatchInOrder(ctx, p)
	}
	number, err := q.mint.take(ctx, len(p.drafts))
	if err == nil && len(p.drafts) > 0 {
		now := q.now()
		for i := range p.drafts {
			q.stamp(p, &p.drafts[i], number+uint64(i), now)
		}
		q.await(p)
		// A client that goes away must not leave the outcome open.
		err = q.tables.Commit(context.WithoutCancel(ctx), p.writes...)
		p.doubted = store.InDoubt(err)
	}
	q.finishSending(err, p)
	return p.err
}

// stamp gives a draft its number, and writes its rows.
func (q *queue) stamp(p *parcel, d *draft, number uint64, now int64) {
	f, group := fresh{position{due: now + d.delay, number: number}, now, d.group}, ""
	if d.sent > 0 {
		f.sent = d.sent
	}
	if q.name.FIFO() {
		f.due, group = 0, d.group
		p.sent[d.place].SequenceNumber = sequence(number)
	}
	p.fresh = append(p.fresh, f)
	p.writes = append(p.writes,
		store.Write{Table: tableHeaders, Key: headerKey(q.number, f.position), Value: encodeHeader(f.sent, group)},
		store.Write{Table: tableBodies, Key: messageKey(q.number, f.number), Value: d.encode()},
	)
}

// await notes messages that are going to be in the store.
func (q *queue) await(p *parcel) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range p.fresh {
		q.pending[f.number] = struct{}{}
	}
}

// finishSending takes the messages into the index, if they are in the store, and hands them out to who waits.
func (q *queue) finishSending(err error, parcels ...*parcel) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for _, p := range parcels {
		p.err = err
		if p.doubted {
			q.doubtLocked(err, func(ctx context.Context) error {
				if err := q.concludeSending(ctx, p.fresh); err != nil || p.conclude == nil {
					return err
				}
				return p.conclude(ctx)
			})
			q.endSendingLocked()
			continue
		}
		q.endSendingLocked()
		for _, f := range p.fresh {
			delete(q.pending, f.number)
		}
		switch {
		case err != nil:
			continue
		case q.gone:
			p.err = ErrNotFound
			continue
		}
		for _, f := range p.fresh {
			q.arriveLocked(f, now)
		}
	}
	q.serveLocked(now)
}
