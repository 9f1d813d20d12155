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
	// ID is the message's id, a UUID.
	ID string
	// Digest, AttributesDigest and TraceDigest are MD5s in hex; "" where there was nothing.
	Digest, AttributesDigest, TraceDigest string
	// Err is why this message, and not the others, was refused. One of ErrEmptyBody, ErrInvalidCharacters,
	// ErrDelayRange, *TooLongError, *MessageAttributeError.
	Err error
}

// Send puts messages into the queue, and answers for each in the order given. Those that were not refused are durable
// when it returns, all by one commit. An error means that none was sent: ErrNotFound, a *TooLongError when the
// messages together are too long, or one of the store's, after which they may have been sent or not.
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
	if err := q.beginSending(ctx); err != nil {
		return nil, err
	}
	p, err := q.prepare(ctx, messages)
	if err == nil && len(p.fresh) > 0 {
		// A client that goes away must not leave the outcome open.
		err = q.tables.Commit(context.WithoutCancel(ctx), p.writes...)
	}
	return p.sent, q.finishSending(p, err)
}

// parcel is a send on its way.
type parcel struct {
	sent   []Sent
	fresh  []fresh
	writes []store.Write
}

// prepare judges the messages, numbers those that pass, and writes their rows.
func (q *queue) prepare(ctx context.Context, messages []Message) (*parcel, error) {
	q.mu.Lock()
	set := q.set
	q.mu.Unlock()
	p := &parcel{sent: make([]Sent, len(messages))}
	number, err := q.mint.take(ctx, len(messages))
	if err != nil {
		return p, err
	}
	now := q.now()
	for i := range messages {
		m := &messages[i]
		if p.sent[i].Err = m.check(set); p.sent[i].Err != nil {
			continue
		}
		id, err := uuid.NewRandom()
		if err != nil {
			return p, fmt.Errorf("make a message id: %w", err)
		}
		delay := set.Delay
		if m.Delay != nil {
			delay = *m.Delay
		}
		f := fresh{position{due: now + delay.Milliseconds(), number: number + uint64(i)}, now}
		digest := md5.Sum([]byte(m.Body))
		p.add(q.number, f, m, id, digest)
		p.sent[i] = Sent{
			ID: id.String(), Digest: hexDigest(digest),
			AttributesDigest: AttributesDigest(m.Attributes), TraceDigest: TraceDigest(m.TraceHeader),
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range p.fresh {
		q.pending[f.number] = struct{}{}
	}
	return p, nil
}

// add takes a message into the parcel.
func (p *parcel) add(queue uint64, f fresh, m *Message, id, digest [16]byte) {
	c := content{
		id: id, digest: digest, sender: m.Sender, trace: m.TraceHeader,
		attributes: m.Attributes, body: m.Body,
	}
	p.fresh = append(p.fresh, f)
	p.writes = append(p.writes,
		store.Write{Table: tableHeaders, Key: headerKey(queue, f.position), Value: encodeHeader(f.sent)},
		store.Write{Table: tableBodies, Key: messageKey(queue, f.number), Value: c.encode(m.size())},
	)
}

// finishSending takes the messages into the index, if they are in the store, and hands them out to who waits.
func (q *queue) finishSending(p *parcel, err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range p.fresh {
		delete(q.pending, f.number)
	}
	q.endSendingLocked()
	if err != nil {
		return err
	}
	if q.gone {
		return ErrNotFound
	}
	if len(p.fresh) == 0 {
		return nil
	}
	now := q.now()
	for _, f := range p.fresh {
		if q.refill != nil && !f.before(q.window.edge) {
			q.refill.late = append(q.refill.late, f)
		}
		q.addFreshLocked(f, now)
	}
	q.serveLocked(now)
	return nil
}
