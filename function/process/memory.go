package process

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	// busyLook and idleLook are how often the memory of an instance is looked at: while it has an invocation, and while
	// it should do nothing.
	busyLook = 50 * time.Millisecond
	idleLook = time.Second
	// briefly is an invocation in which little memory can have come.
	briefly = 2 * time.Millisecond
)

// memory is what an instance may use and has used, in bytes.
type memory struct {
	most int64
	peak atomic.Int64
	wake chan struct{} // holds one; an invocation begins after a pause
	rest atomic.Bool   // the instance did nothing when it was looked at
}

func newMemory(mb int) *memory {
	m := &memory{most: int64(mb) << 20, wake: make(chan struct{}, 1)}
	if mb <= 0 {
		m.most = math.MaxInt64
	}
	return m
}

// rouse has the memory looked at soon, after a pause.
func (m *memory) rouse() {
	if m.rest.Load() && m.rest.Swap(false) {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

// look adds up what processes use and reports whether it is too much. What they share counts once, but finding that out is
// slow, and therefore done only when it decides.
func (m *memory) look(processes []string) (exceeded bool) {
	total := sum(processes, residentBytes)
	if total > m.most {
		total = sum(processes, proportionalBytes)
	}
	if total > m.peak.Load() {
		m.peak.Store(total)
	}
	return total > m.most
}

func sum(processes []string, of func(string) int64) (total int64) {
	for _, p := range processes {
		total += of(p)
	}
	return total
}

// watchMemory kills the instance when it uses more memory than it may. It returns when the process has ended.
func (i *instance) watchMemory() {
	i.memory.look(i.processes()) // one that ends soon has been seen
	timer := time.NewTimer(busyLook)
	defer timer.Stop()
	for {
		select {
		case <-i.gone:
			return
		case <-timer.C:
		case <-i.memory.wake:
		}
		if i.memory.look(i.processes()) {
			i.kill(exceeded)
		}
		timer.Reset(i.nextLook())
	}
}

// nextLook is how long the memory need not be looked at.
func (i *instance) nextLook() time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	busy := i.invoked || !i.deadline.IsZero()
	i.invoked = false
	i.memory.rest.Store(!busy)
	if busy {
		return busyLook
	}
	return idleLook
}

// maxMemoryMB returns the most memory that the instance used until now, rounded up, or 0 when it is not known. took is how
// long its invocation was: what the kernel remembers costs as much to ask as a short invocation, and is asked again only by
// one that is long, or comes when it was last asked a while ago.
func (i *instance) maxMemoryMB(took time.Duration) int {
	most := i.memory.peak.Load()
	select {
	case <-i.done:
		if most == 0 {
			most = i.end.MaxRSS
		}
	default:
		if now := time.Now(); took > briefly || now.Sub(i.asked) > busyLook {
			if c := i.child.Load(); c != nil {
				i.resident = peakBytes((*c).own())
			}
			i.asked = now
		}
		most = max(most, i.resident)
	}
	return int((most + 1<<20 - 1) >> 20)
}
