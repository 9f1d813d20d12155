package sandbox

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// company is what the server knows of the programs of a sandbox with companions: the program itself has the place 0, and
// companions are counted from 1.
type company struct {
	process *Process
	program atomic.Int64
	started chan report // holds one: what became of the program's start
	ended   []chan struct{}
	ends    []End // each is written before the channel in its place is closed
	reading sync.WaitGroup

	mu   sync.Mutex // of the requests
	asks *json.Encoder
}

func newCompany(p *Process, companions int) *company {
	c := &company{
		process: p, started: make(chan report, 1), asks: json.NewEncoder(p.control),
		ended: make([]chan struct{}, 1+companions), ends: make([]End, 1+companions),
	}
	for n := range c.ended {
		c.ended[n] = make(chan struct{})
		c.ends[n].Status = syscall.WaitStatus(syscall.SIGKILL) // what ends without a report was killed with the init
	}
	c.reading.Go(c.read)
	return c
}

// read takes the init's reports until there are no more.
func (c *company) read() {
	gone := make([]bool, len(c.ended))
	end := func(n int) {
		if !gone[n] {
			gone[n] = true
			c.ends[n].OutOfMemory = c.process.group.killed()
			close(c.ended[n])
		}
	}
	for {
		var r report
		if err := c.process.reports.Decode(&r); err != nil {
			break
		}
		switch {
		case r.Companion < 0 || r.Companion >= len(c.ended):
		case r.Ended && !gone[r.Companion]:
			c.ends[r.Companion].Status, c.ends[r.Companion].MaxRSS = r.Status, r.MaxRSS
			end(r.Companion)
		case !r.Ended && r.Companion == 0:
			c.program.Store(int64(r.Program))
			select {
			case c.started <- r:
			default: // there is only one
			}
		}
	}
	for n := range c.ended {
		end(n)
	}
	close(c.started)
}

func (c *company) ask(r request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The init always reads; one that is stopped or gone is not waited for.
	_ = c.process.control.SetWriteDeadline(time.Now().Add(time.Second))
	return c.asks.Encode(r)
}

// Proceed starts the program of a sandbox that has companions. The error is what the kernel said of it, or a *SetupError when
// the sandbox has ended.
func (p *Process) Proceed() error {
	if err := p.company.ask(request{Proceed: true}); err != nil {
		return &SetupError{"ask for the program", err}
	}
	timer := time.NewTimer(setupTime)
	defer timer.Stop()
	select {
	case r, ok := <-p.company.started:
		if !ok {
			return &SetupError{"start the program", errors.New("the sandbox has ended")}
		}
		return r.err()
	case <-timer.C:
		return &SetupError{"start the program", errors.New("the sandbox does not answer")}
	}
}

// Signal sends a signal to a companion, counted from 1, or with 0 to the program: SIGKILL to all of its process group. It does
// nothing when that one has ended.
func (p *Process) Signal(companion int, s syscall.Signal) {
	_ = p.company.ask(request{Signal: s, Companion: companion}) // when the init has gone, so have they all
}

// Ended is closed when a companion, or with 0 the program, has ended.
func (p *Process) Ended(companion int) <-chan struct{} { return p.company.ended[companion] }

// Ending tells how it ended, then.
func (p *Process) Ending(companion int) End { return p.company.ends[companion] }
