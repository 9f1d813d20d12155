package mapping

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/millrace/millrace/stream"
)

// fanout keeps the subscriptions of a mapping whose source is a consumer. It belongs to the mapping's runner: a change
// of the mapping begins another reading, but no other subscriptions, which the stream would refuse for some seconds.
type fanout struct {
	s      *Service
	e      *entry
	shards map[stream.ShardKey]*subscribed
}

// shard returns the way into a shard.
func (f *fanout) shard(id stream.ConsumerID, key stream.ShardKey) *subscribed {
	c := f.shards[key]
	if c == nil {
		c = &subscribed{s: f.s, e: f.e, id: id, shard: key.Index}
		if f.shards == nil {
			f.shards = map[stream.ShardKey]*subscribed{}
		}
		f.shards[key] = c
	}
	return c
}

// leave ends the subscription to a shard. Nobody reads it any more.
func (f *fanout) leave(key stream.ShardKey) {
	if c := f.shards[key]; c != nil {
		c.end()
		delete(f.shards, key)
	}
}

// retain ends the subscriptions to other shards than those to be kept.
func (f *fanout) retain(keep func(key stream.ShardKey) bool) {
	for key := range f.shards {
		if !keep(key) {
			f.leave(key)
		}
	}
}

// close ends all subscriptions. Nobody reads any more.
func (f *fanout) close() {
	for key := range f.shards {
		f.leave(key)
	}
}

const (
	// subscribeAgain is how long a shard rests before it asks anew for a subscription that it was refused.
	subscribeAgain = time.Second
	// yieldFor is how long a shard leaves its subscription to who took it over, before it asks for it anew. It is longer
	// than the other has it for certain, so that of many who want it, those come first who have not had it.
	yieldFor = stream.SubscriptionRest + subscribeAgain
)

// subscribed is a shard as a consumer reads it: through one subscription after the other. When one is over, and there is
// something to be read or waited for, the next is begun.
type subscribed struct {
	s     *Service
	e     *entry
	id    stream.ConsumerID
	shard uint32

	sub   Subscription // nil when there is none
	began time.Time    // not after the moment in which sub began
}

func (c *subscribed) read(ctx context.Context, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	for {
		if c.sub == nil {
			if err := c.subscribe(ctx); err != nil {
				return stream.Batch{}, err
			}
		}
		b, err := c.sub.Read(ctx, after, maxRecords, maxBytes)
		if err == nil || ctx.Err() != nil || !isOver(err) {
			return b, err
		}
		c.end()
		var taken *stream.SubscribedError
		switch {
		case errors.As(err, &taken):
			c.e.report(sourceProblem(err))
			c.s.sleep(ctx, yieldFor, nil)
		case !errors.Is(err, io.EOF):
			return b, err
		case c.s.config.Clock.Since(c.began) < stream.SubscriptionLife:
			// The streams stop, and the mappings will do so too. There is nothing to be had until then.
			c.s.sleep(ctx, c.s.config.Recheck, nil)
		}
	}
}

// wait also returns when the subscription is over: the next read begins another one.
func (c *subscribed) wait(ctx context.Context, after stream.Position) error {
	if c.sub == nil {
		return nil
	}
	return c.sub.Wait(ctx, after)
}

// subscribe begins a subscription. While another one may not be taken over yet, it asks again and again.
func (c *subscribed) subscribe(ctx context.Context) error {
	var (
		young *stream.SubscribedError
		often *stream.SubscribeRateError
	)
	asked := c.s.config.Clock.Now()
	for {
		began := c.s.config.Clock.Now()
		// The subscription is asked for what comes after a position of the mapping's own, wherever it begins itself.
		sub, err := c.s.config.Consumers.Subscribe(ctx, c.id, c.shard, stream.Start{Type: stream.TrimHorizon})
		if err == nil {
			c.sub, c.began = sub, began
			return nil
		}
		if !errors.As(err, &young) && !errors.As(err, &often) {
			return err
		}
		if began.Sub(asked) > stream.SubscriptionRest { // it is not the mapping's own from before
			c.e.report(sourceProblem(err))
		}
		c.s.sleep(ctx, subscribeAgain, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (c *subscribed) end() {
	if c.sub != nil {
		c.sub.Close()
		c.sub = nil
	}
}

// isOver reports whether the error of a read says that the subscription has ended.
func isOver(err error) bool {
	var taken *stream.SubscribedError
	return errors.Is(err, io.EOF) || errors.As(err, &taken) || isNotFound(err)
}
