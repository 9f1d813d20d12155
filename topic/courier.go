package topic

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/store"
)

// Bounds of couriers.
const (
	window     = 1024 // messages of one subscription that are in hand, most of them waiting for their next attempt
	attempts   = 16   // to one endpoint at a time
	additional = 512  // attempts at a time to all endpoints together, beside one to each
)

// trouble is how long a courier waits when the store fails it.
const trouble = time.Second

// courier brings the backlog of one subscription to its endpoint. Each has its own, so that a slow endpoint holds up nobody
// else. It lives as long as something waits.
type courier struct {
	s     *Service
	key   string // of the subscription
	wake  chan struct{}
	ended chan<- *courier
	extra chan struct{} // permits for more than one attempt at a time

	held    map[string]*parcel // the window, by key
	cut     bool               // there is more in the store than the window holds
	flying  int
	landed  chan *parcel
	retryAt time.Time // when the store is asked again that failed; zero when it did not
}

// parcel is a message in a courier's hands.
type parcel struct {
	key    string
	row    parcelRow
	tried  bool       // an attempt has been made, of which the store is still to know:
	next   *parcelRow // what row is to be then, nil when the message is done with
	flying bool
	extra  bool // holds a permit
	done   bool
}

// Run brings messages to web servers and functions, and finds out what became of commits in doubt, until the context ends. What is under way then is tried again by the next
// Run.
func (s *Service) Run(ctx context.Context) error {
	var (
		couriers = map[string]*courier{}
		running  sync.WaitGroup
		ended    = make(chan *courier)
		extra    = make(chan struct{}, additional)
	)
	defer running.Wait()
	running.Go(func() { s.doubts.Keep(ctx, s.clock, s.log) })
	start := func(key string) {
		if c := couriers[key]; c != nil {
			select {
			case c.wake <- struct{}{}:
			default: // it was woken and has not looked yet
			}
			return
		}
		c := &courier{
			s: s, key: key, wake: make(chan struct{}, 1), ended: ended, extra: extra,
			held: map[string]*parcel{}, landed: make(chan *parcel, attempts),
		}
		couriers[key] = c
		running.Go(func() { c.run(ctx) })
	}
	for _, key := range s.backlog.subscriptions() {
		start(key)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wakes.signal:
			for key := range s.wakes.take() {
				start(key)
			}
		case c := <-ended:
			delete(couriers, c.key)
			if len(c.wake) > 0 { // woken when it had looked for the last time
				start(c.key)
			}
		}
	}
}

func (c *courier) run(ctx context.Context) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	c.fill(ctx)
	for {
		next := c.send(ctx, &underWay)
		if len(c.held) == 0 && c.retryAt.IsZero() {
			select {
			case c.ended <- c:
			case <-ctx.Done():
			}
			return
		}
		if !c.wait(ctx, next) {
			return
		}
	}
}

// wait returns when there may be something to do; false when the context has ended.
func (c *courier) wait(ctx context.Context, next time.Time) bool {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := c.s.clock.NewTimer(max(next.Sub(c.s.clock.Now()), 0))
		defer timer.Stop()
		due = timer.Chan()
	}
	select {
	case <-ctx.Done():
		return false
	case <-c.wake:
		c.fill(ctx)
	case p := <-c.landed:
		c.flying--
		p.flying = false
		if p.extra {
			p.extra = false
			<-c.extra
		}
		if p.done {
			delete(c.held, p.key)
		}
		if c.cut && len(c.held) < window/2 {
			c.fill(ctx)
		}
	case <-due:
		if !c.retryAt.IsZero() {
			c.fill(ctx)
		}
	}
	return true
}

// fill takes what waits into the window, oldest first.
func (c *courier) fill(ctx context.Context) {
	c.cut, c.retryAt = false, time.Time{}
	for item, err := range c.s.backlog.rows.Scan(ctx, store.Key(c.key, "")) {
		if err != nil {
			if ctx.Err() == nil {
				c.s.log.Error("backlog cannot be read", "subscription", c.key, "error", err)
			}
			c.retryAt = c.s.clock.Now().Add(trouble)
			return
		}
		if c.held[item.Key] != nil {
			continue
		}
		if len(c.held) >= window {
			c.cut = true
			return
		}
		c.held[item.Key] = &parcel{key: item.Key, row: item.Value}
	}
}

// send begins the attempts that are due, and returns when the next will be; zero when another event comes first.
func (c *courier) send(ctx context.Context, underWay *sync.WaitGroup) (next time.Time) {
	now := c.s.clock.Now()
	next = c.retryAt
	for _, p := range c.oldestFirst() {
		if p.flying {
			continue
		}
		if p.row.Due.After(now) {
			if next.IsZero() || p.row.Due.Before(next) {
				next = p.row.Due
			}
			continue
		}
		if !c.admit(p) {
			if next.IsZero() || next.After(now.Add(trouble)) {
				next = now.Add(trouble) // another courier's permits come back unheard
			}
			break
		}
		p.flying = true
		c.flying++
		underWay.Go(func() {
			c.s.attempt(ctx, c.key, p)
			c.landed <- p // never waits: it has room for all attempts
		})
	}
	return next
}

func (c *courier) oldestFirst() []*parcel {
	list := make([]*parcel, 0, len(c.held))
	for _, p := range c.held {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *parcel) int { return cmp.Compare(a.key, b.key) })
	return list
}

// admit reports whether another attempt may begin. The first needs no permit.
func (c *courier) admit(p *parcel) bool {
	if c.flying == 0 {
		return true
	}
	if c.flying >= attempts {
		return false
	}
	select {
	case c.extra <- struct{}{}:
		p.extra = true
		return true
	default:
		return false
	}
}
