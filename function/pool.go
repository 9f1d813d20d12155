package function

import (
	"container/list"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// settleGrace is Config.SettleGrace unless that is given. An environment is ready some 50 µs after its answer, unless the
// function works on or its runtime is a slow one; another takes about this long to start.
const settleGrace = 100 * time.Millisecond

// errRetired says that the deployment was replaced; there is a newer one, or none.
var errRetired = errors.New("deployment is retired")

// scope is what shares one limit of concurrency.
type scope struct{ account, region string }

// pool holds the environments of all functions and gives them out.
//
// An environment that was answered counts as running until it has settled, since the function may work on. Who invokes
// meanwhile waits for it, for a moment, instead of starting another or being throttled: otherwise a caller that is
// faster than the function's next step would pay for it with a cold start.
//
// A place is what the process of an environment needs on this machine, and there are as many as the maximum. An environment that
// is elsewhere needs none, and frees none when it ends.
type pool struct {
	clock       clockwork.Clock
	maximum     int
	idleTimeout time.Duration
	grace       time.Duration  // Config.SettleGrace
	stopping    chan struct{}  // closed when the pool stops
	invocations sync.WaitGroup // between enter and leave
	closing     sync.WaitGroup // of environments, in goroutines of the pool
	farewells   chan struct{}  // holds one for each environment whose end somebody else does not wait for

	mu           sync.Mutex
	stopped      bool
	environments map[*environment]struct{} // all that are there
	elsewhere    int                       // those of them that need no place
	ledger       *ledger                   // what is at work, and the limits
	idle         list.List                 // of *environment, the one idle longest first; without the provisioned
	provisioned  provisionedPool
}

func newPool(clock clockwork.Clock, concurrency, maximum int, idleTimeout time.Duration) *pool {
	return &pool{
		clock: clock, maximum: maximum, idleTimeout: idleTimeout,
		stopping: make(chan struct{}), farewells: make(chan struct{}, maximum),
		environments: make(map[*environment]struct{}), ledger: newLedger(concurrency), provisioned: newProvisionedPool(),
	}
}

// enter lets one invocation in, which leaves at its end. The pool waits for it before it stops.
func (p *pool) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return ErrStopped
	}
	p.invocations.Add(1)
	return nil
}

func (p *pool) leave() { p.invocations.Done() }

// acquire gives an environment for one invocation: one that is warm, or a new one whose instance the caller starts. The
// caller ends with release or discard. The error is a *ThrottledError, errRetired, ErrStopped or ctx's.
func (p *pool) acquire(ctx context.Context, d *deployment) (*environment, error) {
	if e, c := p.claimSettling(d); c != nil {
		if err := p.await(ctx, e, c); err != nil {
			return nil, err
		}
		if c.got != nil {
			return c.got, nil
		}
	}
	e, victim, err := p.take(d)
	if victim != nil {
		p.seeOff(victim)
	}
	return e, err
}

// claimSettling claims an environment that will be ready in a moment, when none is ready now; a provisioned one also when one
// on demand is ready.
func (p *pool) claimSettling(d *deployment) (*environment, *claim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(d.provisioned.idle) > 0 || p.stopped || d.retired {
		return nil, nil
	}
	var found *environment
	for _, e := range slices.Backward(d.settling) {
		if e.claim == nil && (found == nil || e.provisioned && !found.provisioned) {
			found = e
		}
	}
	if found == nil || len(d.idle) > 0 && !found.provisioned {
		return nil, nil
	}
	found.claim = &claim{ready: make(chan struct{})}
	return found, found.claim
}

// await waits until the claim is decided, and not longer than the grace. Afterwards the claim is as it stays.
func (p *pool) await(ctx context.Context, e *environment, c *claim) error {
	timer := time.NewTimer(p.grace) // real time: what is waited for is a process
	defer timer.Stop()
	var err error
	select {
	case <-c.ready:
	case <-timer.C:
	case <-p.stopping:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.claim == c {
		e.claim = nil
	}
	if err != nil && c.got != nil {
		p.free(c.got)
	}
	return err
}

// take gives an idle environment or the place for a new one. For the latter it may name a victim, whose place it was and
// which the caller closes first.
func (p *pool) take(d *deployment) (e, victim *environment, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stopped:
		return nil, nil, ErrStopped
	case d.retired:
		return nil, nil, errRetired
	}
	if e = p.popProvisioned(d); e != nil {
		p.begin(e)
		return e, nil, nil
	}
	if reason := p.ledger.exhausted(d.function.Name); reason != "" {
		return nil, nil, &ThrottledError{Reason: reason}
	}
	if e = p.popIdle(d); e == nil {
		if e, victim = p.place(d); e == nil {
			return nil, nil, &ThrottledError{Reason: ConcurrentInvocations}
		}
	}
	p.begin(e)
	return e, victim, nil
}

// begin notes that an environment is at work.
func (p *pool) begin(e *environment) {
	e.phase, e.settled = busy, false
	p.count(e, 1)
}

// place makes a new environment if there is room for one, maybe that of a victim, which the caller closes and forgets first.
// Elsewhere there always is room; but those that are idle make way for others when there are as many as an account may have at
// work, so that what is kept warm is bounded.
func (p *pool) place(d *deployment) (e, victim *environment) {
	taken, most := len(p.environments)-p.elsewhere, p.maximum
	if d.elsewhere {
		taken, most = p.elsewhere, p.ledger.concurrency
	}
	if taken >= most {
		if victim = p.evict(d.elsewhere); victim == nil && !d.elsewhere {
			return nil, nil
		}
	}
	e = &environment{deployment: d, born: p.clock.Now()}
	p.environments[e] = struct{}{}
	if d.elsewhere {
		p.elsewhere++
	}
	d.live++
	return e, victim
}

// vacate takes an environment out of those that are there, unless that has been done; the caller holds the mutex.
func (p *pool) vacate(e *environment) {
	if _, there := p.environments[e]; there && e.deployment.elsewhere {
		p.elsewhere--
	}
	delete(p.environments, e)
}

// claim says what a function has reserved, nil for nothing, and provisioned.
func (p *pool) claim(name Name, reserved *int, provisioned int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.claim(name, reserved, provisioned)
}

// unclaimed returns how much of an account's concurrency is for everybody.
func (p *pool) unclaimed(of scope) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger.unclaimed(of)
}

// count notes that an environment has begun or ended to be at work; the caller holds the mutex.
func (p *pool) count(e *environment, n int) {
	p.ledger.count(e.deployment.function.Name, e.provisioned, n)
	if e.provisioned {
		e.deployment.provisioned.busy += n
	}
}

// concurrent returns how many environments of a function, and of its account, are at work.
func (p *pool) concurrent(d *deployment) (own, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger.concurrent(d.function.Name)
}

// popIdle returns the environment that was used last, or nil. Those that ended while they were idle are closed.
func (p *pool) popIdle(d *deployment) *environment {
	for len(d.idle) > 0 {
		e := d.idle[len(d.idle)-1]
		p.unidle(e)
		if p.fit(e) {
			return e
		}
		p.end(e)
	}
	return nil
}

// fit reports whether an idle environment can be given out.
func (p *pool) fit(e *environment) bool { return !e.dead() && !p.old(e) }

// evict gives up the environment that has been idle longest of those that are elsewhere, or of those here with its place.
func (p *pool) evict(elsewhere bool) *environment {
	for at := p.idle.Front(); at != nil; at = at.Next() {
		if e := at.Value.(*environment); e.deployment.elsewhere == elsewhere {
			p.unidle(e)
			e.phase = ended
			p.vacate(e)
			return e
		}
	}
	return nil
}

// unidle takes an environment out of the lists of the idle.
func (p *pool) unidle(e *environment) {
	d := e.deployment
	d.idle = slices.DeleteFunc(d.idle, func(other *environment) bool { return other == e })
	p.idle.Remove(e.element)
	e.element = nil
}

// attach gives a new environment its instance. It fails when the pool has stopped meanwhile.
func (p *pool) attach(e *environment, instance Instance) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.instance = instance
	if p.stopped {
		return ErrStopped
	}
	return nil
}

// release ends an invocation that its environment has answered.
func (p *pool) release(e *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e.phase != busy: // the pool has stopped
	case e.settled:
		p.free(e)
	default:
		e.phase = settling
		e.deployment.settling = append(e.deployment.settling, e)
	}
}

// settle notes that an instance is done with its invocation, or has ended.
func (p *pool) settle(e *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.settled = true
	if e.phase == settling {
		d := e.deployment
		d.settling = slices.DeleteFunc(d.settling, func(other *environment) bool { return other == e })
		p.free(e)
	}
}

// free gives an environment that is neither needed nor at work to whoever claims it, or makes it idle, or ends it.
func (p *pool) free(e *environment) {
	d, c := e.deployment, e.claim
	e.claim = nil
	fit := !p.stopped && !d.retired && !e.dead() && !e.surplus()
	if fit && c != nil {
		e.phase, e.settled = busy, false
		c.got = e
		close(c.ready)
		return
	}
	p.count(e, -1)
	if c != nil {
		close(c.ready)
	}
	if !fit {
		p.end(e)
		return
	}
	e.phase, e.since = idle, p.clock.Now()
	if e.provisioned {
		d.provisioned.idle = append(d.provisioned.idle, e)
		return
	}
	d.idle = append(d.idle, e)
	e.element = p.idle.PushBack(e)
}

// discard ends an environment that failed its invocation or could not be started.
func (p *pool) discard(e *environment) {
	p.mu.Lock()
	if e.phase == ended {
		p.mu.Unlock()
		return
	}
	p.count(e, -1)
	if e.instance != nil {
		p.end(e)
		p.mu.Unlock()
		return
	}
	e.phase = ended
	p.mu.Unlock()
	p.forget(e)
}

// end closes an environment, soon.
func (p *pool) end(e *environment) {
	e.phase = ended
	p.unallocate(e)
	p.closing.Go(func() { p.seeOff(e) })
}

// seeOff closes an environment and returns when its place is free, which is when its runtime has ended. External extensions
// may take two seconds longer over their farewell: they are left to a goroutine of the pool, unless as many environments as there
// are places are being seen off already.
func (p *pool) seeOff(e *environment) {
	farewells := p.farewells
	if e.deployment.elsewhere {
		farewells = nil // it has no extensions
	}
	select {
	case farewells <- struct{}{}:
		closed := make(chan struct{})
		p.closing.Go(func() {
			e.instance.Close()
			close(closed)
			p.forget(e)
			<-p.farewells
		})
		select {
		case <-e.instance.Done():
		case <-closed:
		}
		p.mu.Lock()
		p.vacate(e)
		p.mu.Unlock()
	default:
		e.instance.Close()
		p.forget(e)
	}
}

// forget gives up the place of an environment of which nothing is left.
func (p *pool) forget(e *environment) {
	p.mu.Lock()
	p.vacate(e)
	d := e.deployment
	d.live--
	last := d.retired && d.live == 0
	p.mu.Unlock()
	if last {
		d.ended()
	}
}

// retire ends a deployment: its idle environments now, the others when they have answered.
func (p *pool) retire(d *deployment) {
	p.mu.Lock()
	d.retired = true
	for len(d.idle) > 0 {
		e := d.idle[0]
		p.unidle(e)
		p.end(e)
	}
	for _, e := range d.provisioned.take() {
		p.end(e)
	}
	last := d.live == 0
	p.mu.Unlock()
	if last {
		d.ended()
	}
}

// expire ends environments that have been idle for too long, until the context ends.
func (p *pool) expire(ctx context.Context) {
	for ctx.Err() == nil {
		left, some := p.expireNow()
		if !some {
			left = p.idleTimeout // what becomes idle meanwhile has at least that long
		}
		timer := p.clock.NewTimer(left)
		select {
		case <-ctx.Done():
		case <-timer.Chan():
		}
		timer.Stop()
	}
}

// expireNow ends what has been idle for too long and returns how long the next one has left, if there is one.
func (p *pool) expireNow() (left time.Duration, some bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for front := p.idle.Front(); front != nil; front = p.idle.Front() {
		e := front.Value.(*environment)
		if left := p.idleTimeout - p.clock.Since(e.since); left > 0 {
			return left, true
		}
		p.unidle(e)
		p.end(e)
	}
	return 0, false
}

// stop refuses invocations, ends all environments and returns when nothing is left of them.
func (p *pool) stop() {
	p.mu.Lock()
	p.stopped = true
	close(p.stopping)
	for e := range p.environments {
		// One without an instance is being started: its invocation sees that the pool is stopping and discards it.
		if e.instance != nil && e.phase != ended {
			p.end(e)
		}
	}
	p.mu.Unlock()
	p.invocations.Wait()
	p.closing.Wait()
}

func (p *pool) isStopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}
