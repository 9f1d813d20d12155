package sandbox

import (
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// companionFD is the output of the companions: the file behind the init's end of the socket.
const companionFD = controlFD + 1

// request is what the init of a sandbox with companions is asked for later.
type request struct {
	// Proceed asks for the start of the program.
	Proceed bool
	// Signal is sent to the companion with this place, counted from 1, or with 0 to the program.
	Signal    syscall.Signal
	Companion int
}

// crew is what an init leads: the companions, and the program at place 0. Those that were not started or have ended have no
// process id.
type crew struct {
	mu   sync.Mutex // also of the reports
	pids []int
	out  *json.Encoder
}

// lead is the life of an init that has companions: it starts them, then the program when it is told to, tells of every end,
// and goes on until it is killed.
func lead(o order, control *os.File) int {
	unix.CloseOnExec(companionFD)
	output := os.NewFile(companionFD, "companions")
	c := &crew{pids: make([]int, 1+len(o.Spec.Companions)), out: json.NewEncoder(control)}
	if err := build(o); err != nil {
		c.report(reportOf(err))
		return 1
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGCHLD)
	for n, path := range o.Spec.Companions {
		if err := c.start(o, n+1, []string{path}, o.Spec.CompanionEnv, output); err != nil {
			r := reportOf(err)
			r.Companion = n + 1
			c.report(r)
			return 1
		}
	}
	c.report(report{})
	proceed := make(chan struct{})
	go c.listen(control, proceed)
	for {
		select {
		case <-proceed:
			r := report{}
			if err := c.start(o, 0, o.Spec.Args, o.Spec.Env, os.Stdout); err != nil {
				r = reportOf(err)
			}
			c.mu.Lock()
			r.Program = c.pids[0]
			c.mu.Unlock()
			c.report(r)
		case <-ends:
			c.reap()
		}
	}
}

// start starts a program on this thread, which has given up what the program is not to have.
func (c *crew) start(o order, place int, args, env []string, output *os.File) error {
	c.mu.Lock() // so that its end is not seen before it is known
	defer c.mu.Unlock()
	pid, err := o.start(args, env, output)
	c.pids[place] = pid
	return err
}

func (c *crew) report(r report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.out.Encode(r); err != nil {
		os.Exit(1)
	}
}

// listen takes what the server asks for. When the server's end is closed it has gone.
func (c *crew) listen(control *os.File, proceed chan<- struct{}) {
	requests := json.NewDecoder(control)
	for {
		var r request
		if err := requests.Decode(&r); err != nil {
			os.Exit(1)
		}
		switch {
		case r.Proceed:
			proceed <- struct{}{}
		case r.Signal > 0 && r.Companion >= 0 && r.Companion < len(c.pids):
			c.signal(r.Companion, r.Signal)
		}
	}
}

// signal sends a signal to a program; one that nobody survives to all that it has started in its session, too.
func (c *crew) signal(place int, s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pid := c.pids[place]
	switch {
	case pid == 0:
	case s == syscall.SIGKILL:
		_ = syscall.Kill(-pid, s)
	default:
		_ = syscall.Kill(pid, s)
	}
}

// reap takes all who have ended, and tells of those that count.
func (c *crew) reap() {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, &usage)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil || pid <= 0:
			return
		}
		place := c.ended(pid)
		if place < 0 {
			continue
		}
		c.report(report{Ended: true, Companion: place, Status: status, MaxRSS: int64(usage.Maxrss) << 10})
	}
}

// ended forgets a process id and returns whose it was, or -1.
func (c *crew) ended(pid int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for place, p := range c.pids {
		if p == pid {
			c.pids[place] = 0
			return place
		}
	}
	return -1
}
