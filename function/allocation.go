package function

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	// provisioners bounds how many environments are being provisioned at one time.
	provisioners = 4
	// maxProvisionFailures is after how many failed starts in a row an allocation is given up, as AWS does.
	maxProvisionFailures = 6
	// provisionRetry is how long it waits after one.
	provisionRetry = time.Second
)

// Reasons why provisioned concurrency could not be allocated. The first is AWS's.
const (
	reasonInitFailure = "FUNCTION_ERROR_INIT_FAILURE"
	reasonNoRoom      = "This server has no room for further instances: it runs as many as --max-instances allows."
	reasonNoStart     = "An instance of the function could not be started on this server."
)

// errNoRoom says that the server has as many instances as it may.
var errNoRoom = errors.New("no room for an instance")

// allocation is the environments that are kept initialized for one configuration of provisioned concurrency. Those that
// end are replaced. It is guarded by the pool's mutex.
type allocation struct {
	config     ProvisionedConfig
	deployment *deployment // nil while the version cannot be invoked
	initial    int         // environments that are being started
	live       int         // environments that are initialized and have not ended
	failures   int         // starts in a row that failed
	retry      time.Time   // no start before
	reason     string      // why it has been given up
	reached    bool        // all were there once
	gone       bool        // to be left: what ends is not replaced, what is idle ends
	// former served the alias until this one has been reached, when the alias has moved.
	former *allocation
}

// provisionedPool is the part of the pool that is about provisioned concurrency.
type provisionedPool struct {
	allocations map[Ref]*allocation
	starting    int           // in all allocations
	wake        chan struct{} // holds one; tells that something may have to be started
}

func newProvisionedPool() provisionedPool {
	return provisionedPool{allocations: make(map[Ref]*allocation), wake: make(chan struct{}, 1)}
}

func (p *provisionedPool) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// provisionedOf is what a deployment has of provisioned environments, in all allocations.
type provisionedOf struct {
	idle []*environment // the one used last is at the end
	live int
	busy int // at work
}

// take takes all that are idle.
func (o *provisionedOf) take() []*environment {
	idle := o.idle
	o.idle = nil
	return idle
}

// popProvisioned returns the provisioned environment that was used last and is idle, or nil.
func (p *pool) popProvisioned(d *deployment) *environment {
	for n := len(d.provisioned.idle); n > 0; n = len(d.provisioned.idle) {
		e := d.provisioned.idle[n-1]
		d.provisioned.idle = d.provisioned.idle[:n-1]
		if p.fit(e) {
			return e
		}
		p.end(e)
	}
	return nil
}

// surplus reports whether an environment is provisioned and not wanted any more.
func (e *environment) surplus() bool {
	return e.provisioned && (e.allocation == nil || e.allocation.gone || e.allocation.live > e.allocation.config.Requested)
}

// unallocate ends the part of an environment in its allocation; the caller holds the mutex.
func (p *pool) unallocate(e *environment) {
	if a := e.allocation; a != nil {
		e.allocation = nil
		a.live--
		e.deployment.provisioned.live--
		p.provisioned.poke()
	}
}

// wantedAllocation is a configuration with the deployment that it is for.
type wantedAllocation struct {
	config     ProvisionedConfig
	deployment *deployment
}

// allocate makes the allocations of a function what is wanted.
func (p *pool) allocate(name Name, wanted []wantedAllocation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := make(map[Ref]bool, len(wanted))
	for _, w := range wanted {
		kept[w.config.About] = true
		p.allocateOne(w)
	}
	for about, a := range p.provisioned.allocations {
		if about.Name == name && !kept[about] {
			delete(p.provisioned.allocations, about)
			p.abandon(a)
		}
	}
	if len(wanted) > 0 {
		p.provisioned.poke()
	}
}

func (p *pool) allocateOne(w wantedAllocation) {
	old := p.provisioned.allocations[w.config.About]
	switch {
	case old == nil:
		p.provisioned.allocations[w.config.About] = &allocation{config: w.config, deployment: w.deployment}
	case old.deployment != w.deployment:
		next := &allocation{config: w.config, deployment: w.deployment, former: old}
		if !old.reached { // what served before that serves on
			next.former = old.former
			old.former = nil
			p.abandon(old)
		}
		p.provisioned.allocations[w.config.About] = next
	case old.config != w.config:
		old.config, old.failures, old.reason, old.retry, old.reached = w.config, 0, "", time.Time{}, false
		p.trim(old)
	}
}

// abandon leaves an allocation: what of it is idle ends, what is at work ends afterwards.
func (p *pool) abandon(a *allocation) {
	for ; a != nil; a = a.former {
		a.gone = true
		p.trim(a)
	}
}

// trim ends idle environments of which there are too many.
func (p *pool) trim(a *allocation) {
	if a.deployment == nil {
		return
	}
	for _, e := range slices.Clone(a.deployment.provisioned.idle) {
		if e.allocation == a && e.surplus() {
			o := &a.deployment.provisioned
			o.idle = slices.DeleteFunc(o.idle, func(other *environment) bool { return other == e })
			p.end(e)
		}
	}
}

// missing returns the environments that are to be started now, each with its place, those whose places they take, which are
// to be closed first, and how long it is until others may be started; negative when there are none to wait for.
func (p *pool) missing() (start, victims []*environment, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait = -1
	if p.stopped {
		return nil, nil, wait
	}
	now := p.clock.Now()
	for _, a := range p.provisioned.allocations {
		for a.deployment != nil && !a.deployment.retired && a.reason == "" && a.live+a.initial < a.config.Requested && p.provisioned.starting < provisioners {
			if left := a.retry.Sub(now); left > 0 {
				if wait < 0 || left < wait {
					wait = left
				}
				break
			}
			e, victim := p.place(a.deployment)
			if e == nil {
				p.failedOne(a, errNoRoom)
				continue
			}
			if victim != nil {
				victims = append(victims, victim)
			}
			e.provisioned, e.allocation = true, a
			a.initial++
			p.provisioned.starting++
			start = append(start, e)
		}
		p.settleAllocation(a)
	}
	return start, victims, wait
}

// settleAllocation notes when all is there.
func (p *pool) settleAllocation(a *allocation) {
	if !a.reached && a.deployment != nil && a.live >= a.config.Requested {
		a.reached = true
		p.abandon(a.former)
		a.former = nil
	}
}

// failedOne notes that a start has failed.
func (p *pool) failedOne(a *allocation, err error) {
	var init *InitError
	a.failures++
	a.retry = p.clock.Now().Add(provisionRetry)
	switch {
	case a.failures < maxProvisionFailures:
	case errors.As(err, &init):
		a.reason = reasonInitFailure
	case errors.Is(err, errNoRoom):
		a.reason = reasonNoRoom
	default:
		a.reason = reasonNoStart
	}
}

// initialized makes a provisioned environment ready for invocations, or gives it up when its start failed.
func (p *pool) initialized(e *environment, err error) {
	p.mu.Lock()
	a, d := e.allocation, e.deployment
	a.initial--
	p.provisioned.starting--
	p.provisioned.poke()
	if err != nil {
		e.phase, e.allocation = ended, nil
		p.failedOne(a, err)
		p.mu.Unlock()
		if e.instance != nil {
			e.instance.Close()
		}
		p.forget(e)
		return
	}
	defer p.mu.Unlock()
	a.live++
	d.provisioned.live++
	a.failures = 0
	if p.stopped || d.retired || e.surplus() {
		p.end(e)
		return
	}
	e.phase = idle
	d.provisioned.idle = append(d.provisioned.idle, e)
	p.settleAllocation(a)
}

// lost ends a provisioned environment that is of no use any more, unless an invocation has it, which does so then.
func (p *pool) lost(e *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := &e.deployment.provisioned
	if i := slices.Index(o.idle, e); i >= 0 {
		o.idle = slices.Delete(o.idle, i, i+1)
		if a := e.allocation; a != nil && e.dead() { // the next may end as soon
			a.retry = p.clock.Now().Add(provisionRetry)
		}
		p.end(e)
	}
}

// provide starts provisioned environments as they are missing, until the context ends. It returns when none is being started
// or watched any more.
func (s *Service) provide(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	for {
		start, victims, wait := s.pool.missing()
		var closing sync.WaitGroup
		for _, victim := range victims {
			closing.Go(func() { s.pool.seeOff(victim) })
		}
		closing.Wait()
		for _, e := range start {
			work.Go(func() { s.provideOne(ctx, e) })
		}
		if !s.sleep(ctx, wait, s.pool.provisioned.wake) {
			return
		}
	}
}

// provideOne starts one environment, and watches it until it ends or has lived for long.
func (s *Service) provideOne(ctx context.Context, e *environment) {
	err := s.start(ctx, e)
	s.pool.initialized(e, err)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("provisioned environment cannot be started", "function", e.deployment.function.ARN(), "err", err)
		}
		return
	}
	life := s.clock.NewTimer(EnvironmentLife)
	defer life.Stop()
	select {
	case <-e.instance.Done():
	case <-life.Chan(): // one at work is found too old afterwards
	case <-ctx.Done():
		return
	}
	s.pool.lost(e)
}

// provisionedUse returns how many of a deployment's provisioned environments are at work, and how many there are.
func (p *pool) provisionedUse(d *deployment) (busy, live int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return d.provisioned.busy, d.provisioned.live
}

// allocated tells how far an allocation is.
func (p *pool) allocated(about Ref) (live int, status ProvisionedStatus, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.provisioned.allocations[about]
	switch {
	case a == nil:
		return 0, ProvisionedInProgress, ""
	case a.reason != "":
		return a.live, ProvisionedFailed, a.reason
	case a.reached:
		return a.live, ProvisionedReady, ""
	}
	live = a.live
	if a.former != nil {
		live = max(live, min(a.former.live, a.config.Requested))
	}
	return live, ProvisionedInProgress, ""
}
