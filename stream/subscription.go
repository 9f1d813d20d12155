package stream

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// MaxEventBytes bounds the payloads and partition keys of an event together. A single record may be larger. AWS's events
// have up to about 10 MiB; these are smaller because a client that is slow to read holds one in memory.
const MaxEventBytes = 256 << 10

// Subscription is what a consumer reads a shard through. It is pushed to by the shard's commits: nobody polls, and
// nothing runs for it but the call that waits. It ends after SubscriptionLife, when the consumer subscribes to the shard
// anew, when consumer or stream go, and when the house closes. Whoever has it calls Close in the end.
type Subscription struct {
	Consumer Consumer
	Shard    Shard // as it was at the beginning

	s       *Service
	seats   *seats
	pace    *pace // nil when there is none; set with the seat
	key     ShardKey
	expires time.Time
	after   Position // where Next goes on
	done    bool     // Next has handed out the shard's end

	once  sync.Once
	ended chan struct{} // closed when there is an err
	err   error
}

// Event is what a subscription hands out.
type Event struct {
	// Records may be empty: the event then only says that there is nothing new. They are shared with other readers and
	// must not be changed.
	Records []Record
	// Continuation is greater than the number of every record that was handed out, and smaller than that of every
	// other: a subscription that begins at or after it goes on. It is zero in the last event.
	Continuation SequenceNumber
	MillisBehind int64 // as in Batch
	// End says that the shard is closed and has been read to its end. Children are then the shards that it was split or
	// merged into.
	End      bool
	Children []Shard
}

// Subscribe begins a subscription of a consumer to a shard.
//
// Errors: ConsumerNotFoundError, ShardNotFoundError, ConsumerNotActiveError, those of Seek, SubscribeRateError, and
// SubscribedError when the last subscription is younger than SubscriptionRest. An older one is taken over.
func (s *Service) Subscribe(ctx context.Context, id ConsumerID, shard uint32, start Start) (*Subscription, error) {
	return s.subscribe(ctx, id, shard, start, false)
}

// CheckSubscribe returns the error that Subscribe would, or nil. It counts as a call.
func (s *Service) CheckSubscribe(ctx context.Context, id ConsumerID, shard uint32, start Start) error {
	_, err := s.subscribe(ctx, id, shard, start, true)
	return err
}

func (s *Service) subscribe(ctx context.Context, id ConsumerID, shard uint32, start Start, dry bool) (*Subscription, error) {
	_, r, err := s.consumer(id)
	if err != nil {
		return nil, err
	}
	missing := &ShardNotFoundError{id.Stream, shard}
	key := ShardKey{r.number, shard}
	st, _, err := s.readable(key)
	if err != nil {
		return nil, missing
	}
	sh, ok := st.kept(s.clock.Now()).Shard(shard)
	if !ok {
		return nil, missing
	}
	if r.consumer.Status != StatusActive {
		return nil, &ConsumerNotActiveError{r.consumer}
	}
	after, err := s.Seek(ctx, key, start)
	if errors.Is(err, ErrGone) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	sub := &Subscription{
		Consumer: r.consumer, Shard: sh, s: s, seats: r.seats, key: key,
		expires: now.Add(SubscriptionLife), after: after, ended: make(chan struct{}),
	}
	err = r.seats.take(sub, now, dry)
	if l, ok := s.numbered(key.Stream); ok && !dry {
		limited := new(SubscribeRateError)
		l.samples.RecordConsumer(id.Name, SubscribeSuccess, success(err == nil))
		l.samples.RecordConsumer(id.Name, SubscribeRateExceeded, success(errors.As(err, &limited)))
	}
	if err != nil {
		return nil, err
	}
	return sub, nil
}

// EndSubscriptions ends all subscriptions cleanly, and later ones at once: a server that stops should not be held up by
// them. It is called at most once.
func (s *Service) EndSubscriptions() { close(s.closing) }

// end tells the subscription why it is over.
func (sub *Subscription) end(err error) {
	sub.once.Do(func() {
		sub.err = err
		close(sub.ended)
	})
}

// Close ends the subscription and leaves the shard to others.
func (sub *Subscription) Close() {
	sub.end(io.EOF)
	sub.seats.leave(sub, sub.s.clock.Now())
}

// over returns nil while the subscription lasts.
func (sub *Subscription) over() error {
	select {
	case <-sub.ended:
		return sub.err
	case <-sub.s.closing:
		return io.EOF
	default:
	}
	if !sub.s.clock.Now().Before(sub.expires) {
		return io.EOF
	}
	return nil
}

// Next waits for records and returns what it finds, but waits no longer than SubscriptionIdle. If Config.ShardLimits says
// so, it first waits until the consumer may be given more of the shard. One caller at a time.
//
// io.EOF says that the subscription has ended as it should: its life is over, the shard's end was handed out, or the
// house closes. Other errors end it too: SubscribedError when it was taken over, ConsumerNotFoundError, NotFoundError,
// and those of Service.Read.
func (sub *Subscription) Next(ctx context.Context) (Event, error) {
	if sub.done {
		return Event{}, io.EOF
	}
	if err := sub.rest(ctx); err != nil {
		return Event{}, err
	}
	idle := sub.s.clock.Now().Add(SubscriptionIdle)
	for {
		batch, err := sub.Read(ctx, sub.after, MaxReadRecords, MaxEventBytes)
		if err != nil {
			return Event{}, err
		}
		sub.after = batch.Next
		switch {
		case len(batch.Records) > 0:
			sub.pace.gave(batch.Records, sub.s.clock.Now())
			return sub.event(batch), nil
		case batch.End:
			return sub.last()
		}
		more, err := sub.wait(ctx, sub.after, idle)
		if err != nil {
			return Event{}, err
		}
		if !more {
			if err := sub.over(); err != nil {
				return Event{}, err
			}
			sub.record(&batch)
			return sub.event(batch), nil
		}
	}
}

// event makes an event that has others after it.
func (sub *Subscription) event(b Batch) Event {
	// The number lies in the next second, so that it is greater than that of a record at the very position.
	at := sub.s.clock.Now()
	if n := len(b.Records); n > 0 {
		at = later(at, b.Records[n-1].Arrival)
	}
	return Event{Records: b.Records, MillisBehind: b.MillisBehind, Continuation: sub.Shard.SequenceNumber(b.Next, at.Add(time.Second))}
}

// last makes the event of the shard's end.
func (sub *Subscription) last() (Event, error) {
	sub.done = true
	st, _, err := sub.s.readable(sub.key)
	if err != nil {
		return Event{}, &NotFoundError{sub.Consumer.Stream}
	}
	return Event{End: true, Children: st.Children(sub.Shard.Index)}, nil
}

// Read is Service.Read for the subscription's shard, as long as the subscription lasts: its errors are those of Next. It
// does not move the place where Next goes on, and knows no limit.
func (sub *Subscription) Read(ctx context.Context, after Position, maxRecords, maxBytes int) (Batch, error) {
	if err := sub.over(); err != nil {
		return Batch{}, err
	}
	b, err := sub.s.read(ctx, sub.key, after, maxRecords, maxBytes)
	if errors.Is(err, ErrGone) {
		return Batch{}, &NotFoundError{sub.Consumer.Stream}
	}
	if err == nil && len(b.Records) > 0 {
		sub.record(&b)
	}
	return b, err
}

// record takes the samples of an event.
func (sub *Subscription) record(b *Batch) {
	if l, ok := sub.s.numbered(sub.key.Stream); ok {
		l.recordEvent(sub.Consumer.Name, b, sub.s.clock.Now())
	}
}

// Wait is Service.Wait for the subscription's shard. It returns nil also when the subscription has ended; Read then says
// why.
func (sub *Subscription) Wait(ctx context.Context, after Position) error {
	_, err := sub.wait(ctx, after, sub.expires)
	return err
}

// wait returns when there is something to read after the cursor, or the shard has ended; or with more false at the
// given time, and at the subscription's end.
func (sub *Subscription) wait(ctx context.Context, after Position, until time.Time) (more bool, _ error) {
	_, log, err := sub.s.readable(sub.key)
	if err != nil {
		return true, nil // Read says why
	}
	if err := log.load(ctx, sub.s.store); err != nil {
		return false, err
	}
	if sub.expires.Before(until) {
		until = sub.expires
	}
	timer := sub.s.clock.NewTimer(until.Sub(sub.s.clock.Now()))
	defer timer.Stop()
	for {
		news := log.news(after)
		if news == nil {
			return true, nil
		}
		select {
		case <-news:
		case <-timer.Chan():
			return false, nil
		case <-sub.ended:
			return false, nil
		case <-sub.s.closing:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
