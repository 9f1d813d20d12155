package mapping

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/millrace/millrace/stream"
)

// fakeConsumer is a consumer of a fakeStream. A subscription that is alive is taken over when it is old enough; one that
// has ended leaves no trace, so that a mapping that is disabled and enabled need not wait.
type fakeConsumer struct {
	stream.Consumer
	number uint64 // of the stream's incarnation
	seats  map[uint32]*fakeSubscription
}

type fakeSubscription struct {
	source *fakeSource
	c      *fakeConsumer
	key    stream.ShardKey
	began  time.Time

	once  sync.Once
	ended chan struct{} // closed when there is an err
	err   error
}

// register makes a consumer of a stream, and returns its id.
func (f *fakeSource) register(name stream.Name, consumer string) stream.ConsumerID {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &fakeConsumer{
		Consumer: stream.Consumer{Stream: name, Name: consumer, Status: stream.StatusActive, Created: f.clock.Now().Truncate(time.Second)},
		number:   f.streams[name].Number, seats: map[uint32]*fakeSubscription{},
	}
	f.consumers[c.ID()] = c
	return c.ID()
}

// setConsumer brings a consumer into a state, or removes it.
func (f *fakeSource) setConsumer(id stream.ConsumerID, status stream.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.consumers[id]
	if c.Status = status; status == "" {
		delete(f.consumers, id)
		for _, sub := range c.seats {
			sub.end(&stream.ConsumerNotFoundError{ID: id})
		}
	}
}

// closeSubscriptions ends all subscriptions, and later ones at once, as a server that stops does.
func (f *fakeSource) closeSubscriptions() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closing = true
	for _, c := range f.consumers {
		for _, sub := range c.seats {
			sub.end(io.EOF)
		}
	}
}

func (f *fakeSource) DescribeConsumer(_ context.Context, id stream.ConsumerID) (stream.Consumer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.consumers[id]
	if c == nil || f.streams[id.Stream] == nil || f.streams[id.Stream].Number != c.number {
		return stream.Consumer{}, &stream.ConsumerNotFoundError{ID: id}
	}
	return c.Consumer, nil
}

func (f *fakeSource) Subscribe(ctx context.Context, id stream.ConsumerID, shard uint32, _ stream.Start) (Subscription, error) {
	consumer, err := f.DescribeConsumer(ctx, id)
	if err != nil {
		return nil, err
	}
	if consumer.Status != stream.StatusActive {
		return nil, &stream.ConsumerNotActiveError{Consumer: consumer}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribed++
	c, now := f.consumers[id], f.clock.Now()
	if other := c.seats[shard]; other != nil {
		if now.Sub(other.began) < stream.SubscriptionRest {
			return nil, &stream.SubscribedError{Consumer: consumer, Shard: shard}
		}
		other.end(&stream.SubscribedError{Consumer: consumer, Shard: shard})
	}
	sub := &fakeSubscription{source: f, c: c, key: stream.ShardKey{Stream: c.number, Index: shard}, began: now, ended: make(chan struct{})}
	c.seats[shard] = sub
	if f.closing {
		sub.end(io.EOF)
	}
	return sub, nil
}

func (sub *fakeSubscription) end(err error) {
	sub.once.Do(func() {
		sub.err = err
		close(sub.ended)
	})
}

func (sub *fakeSubscription) Read(ctx context.Context, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	select {
	case <-sub.ended:
		return stream.Batch{}, sub.err
	default:
	}
	if sub.source.clock.Since(sub.began) >= stream.SubscriptionLife {
		return stream.Batch{}, io.EOF
	}
	b, err := sub.source.Read(ctx, sub.key, after, maxRecords, maxBytes)
	if errors.Is(err, stream.ErrGone) {
		err = &stream.NotFoundError{Name: sub.c.Stream}
	}
	return b, err
}

func (sub *fakeSubscription) Wait(ctx context.Context, after stream.Position) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := sub.source.clock.AfterFunc(stream.SubscriptionLife-sub.source.clock.Since(sub.began), cancel)
	defer timer.Stop()
	var ender sync.WaitGroup
	ender.Go(func() {
		select {
		case <-sub.ended:
			cancel()
		case <-waiting.Done():
		}
	})
	err := sub.source.Wait(waiting, sub.key, after)
	cancel()
	ender.Wait()
	if ctx.Err() == nil {
		return nil
	}
	return err
}

func (sub *fakeSubscription) Close() {
	sub.end(io.EOF)
	sub.source.mu.Lock()
	defer sub.source.mu.Unlock()
	if sub.c.seats[sub.key.Index] == sub {
		delete(sub.c.seats, sub.key.Index)
	}
}
