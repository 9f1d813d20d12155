package process

import (
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// freezeDelay is how long an instance may go on when it is done with an invocation. One that gets the next meanwhile,
	// as under load, is spared being stopped and woken; AWS freezes at once.
	freezeDelay = 10 * time.Millisecond
	// freezePasses bounds how often processes are looked for which others have started while they were being stopped.
	freezePasses = 5
)

// freezer stops the processes of an instance between its invocations: what a function left running, timers and background
// work, goes on with the next one, as at AWS.
type freezer struct {
	// family lists the processes of the instance at the moment.
	family func() []int

	mu      sync.Mutex
	timer   *time.Timer // freeze
	armed   bool        // it is going to go off; not stopped for each invocation, since setting it wakes a thread
	resting bool        // there is no invocation
	since   time.Time   // it rests
	over    bool        // the processes have ended; their numbers may be others' soon
	frozen  []int
}

// newFreezer returns a freezer; nil never freezes.
func newFreezer(family func() []int) *freezer {
	f := &freezer{family: family}
	f.timer = time.AfterFunc(time.Hour, f.freeze)
	f.timer.Stop()
	return f
}

// rest has the instance frozen soon, unless it is woken before.
func (f *freezer) rest() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	f.resting, f.since = true, time.Now()
	if !f.armed {
		f.arm(freezeDelay)
	}
}

func (f *freezer) arm(d time.Duration) {
	f.armed = true
	f.timer.Reset(d)
}

// wake lets the instance go on.
func (f *freezer) wake() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resting = false
	if f.over {
		return
	}
	for _, pid := range slices.Backward(f.frozen) { // children before those who wait for them
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	f.frozen = nil
}

// end is called when the processes have ended, before they are reaped.
func (f *freezer) end() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	f.timer.Stop()
}

// thaw lets the instance go on for good: it is going to end.
func (f *freezer) thaw() {
	if f == nil {
		return
	}
	f.wake()
	f.end()
}

// freeze stops all processes. Those that are stopped start no others, so that a pass that finds no more has found all.
func (f *freezer) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	if !f.resting || f.over {
		return
	}
	if left := freezeDelay - time.Since(f.since); left > 0 { // there was an invocation meanwhile
		f.arm(left)
		return
	}
	for range freezePasses {
		found := false
		for _, pid := range f.family() {
			if slices.Contains(f.frozen, pid) || syscall.Kill(pid, syscall.SIGSTOP) != nil {
				continue
			}
			f.frozen = append(f.frozen, pid)
			found = true
		}
		if !found {
			return
		}
	}
}
