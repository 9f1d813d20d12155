package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// simulation runs seeds, each in a process of its own.
type simulation struct {
	program string
	folder  string // for what seeds write
	story   bool
	twice   uint64 // seeds below are run twice
}

// all runs seeds, so many at a time, until one fails, and returns what they came to.
func (s *simulation) all(ctx context.Context, first, count uint64, at int, out io.Writer) (tally, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	seeds := make(chan uint64)
	var (
		mu  sync.Mutex
		sum tally
		wg  sync.WaitGroup
	)
	for range at {
		wg.Go(func() {
			for seed := range seeds {
				t, printed, err := s.one(ctx, seed)
				mu.Lock()
				if ctx.Err() == nil && (err != nil || s.story) {
					fmt.Fprint(out, printed)
				}
				if err == nil {
					sum.add(t)
				} else {
					cancel(fmt.Errorf("seed %d: %w\nto see it again: go run ./sim/replay -seed %d -story", seed, err, seed))
				}
				mu.Unlock()
			}
		})
	}
	for seed := first; seed < first+count && ctx.Err() == nil; seed++ {
		select {
		case seeds <- seed:
		case <-ctx.Done():
		}
	}
	close(seeds)
	wg.Wait()
	return sum, context.Cause(ctx)
}

// one runs a seed, and returns what it came to and what it printed.
func (s *simulation) one(ctx context.Context, seed uint64) (tally, string, error) {
	t, printed, err := s.process(ctx, seed)
	if err != nil || seed >= s.twice {
		return t, printed, err
	}
	again, _, err := s.process(ctx, seed)
	if err == nil && t != again {
		err = fmt.Errorf("it went another way the second time: %+v, %+v", t, again)
	}
	return t, printed, err
}

func (s *simulation) process(ctx context.Context, seed uint64) (tally, string, error) {
	// The folder's name is as long as all others', and so is the environment.
	folder, err := os.MkdirTemp(s.folder, "seed-")
	if err != nil {
		return tally{}, "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	c := exec.CommandContext(ctx, s.program, "-test.run", "^TestSim$", "-test.v", "-test.timeout", "10m", "-seed", strconv.FormatUint(seed, 10), "-tally")
	if s.story {
		c.Args = append(c.Args, "-story")
	}
	c.Dir = folder
	c.Env = []string{"GOMAXPROCS=1", "GOGC=off", "TMPDIR=."}
	c.WaitDelay = 10 * time.Second
	var printed strings.Builder
	c.Stdout, c.Stderr = &printed, &printed
	if err := c.Run(); err != nil {
		return tally{}, printed.String(), err
	}
	t, err := readTally(printed.String())
	return t, printed.String(), err
}
