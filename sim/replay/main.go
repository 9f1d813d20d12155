package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

// run is the program.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	seed := flags.Uint64("seed", 1, "the first seed")
	seeds := flags.Uint64("seeds", 1, "how many")
	minutes := flags.Float64("minutes", 0, "go on for so many minutes instead")
	story := flags.Bool("story", false, "print each seed's story")
	twice := flags.Uint64("twice", 0, "run the first so many twice, and compare")
	at := flags.Int("parallel", runtime.NumCPU(), "how many at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "millrace-replay-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	program, err := build(ctx, folder)
	if err != nil {
		return err
	}
	if *minutes > 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(*minutes*float64(time.Minute)))
		defer cancel()
		ctx, *seeds = limited, 1<<40
	}
	s := &simulation{program: program, folder: folder, story: *story, twice: *seed + *twice}
	sum, err := s.all(ctx, *seed, *seeds, max(*at, 1), out)
	fmt.Fprintln(out, sum)
	if *minutes > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) && errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// build makes the test program of package sim, with the changed runtime, and returns its path.
func build(ctx context.Context, folder string) (string, error) {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	description, err := overlay(strings.TrimSpace(string(goroot)), folder)
	if err != nil {
		return "", err
	}
	program := filepath.Join(folder, "sim.test")
	c := exec.CommandContext(ctx, "go", "test", "-c", "-tags", "replay", "-overlay", description, "-o", program, "github.com/millrace/millrace/sim")
	// Maps may be ordered by addresses, so the heap has to be where it was.
	c.Env = append(os.Environ(), "GOEXPERIMENT=norandomizedheapbase64", "CGO_ENABLED=0")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("build the simulation: %w", err)
	}
	return program, nil
}

// tally is what a seed, or all of them, came to, as package sim counts it.
type tally struct {
	Seeds, Lives, Crashes, Records, Calls, Delivered, Discarded, Documents, Windows int64
	Took                                                                            time.Duration
	Trace                                                                           string // a hash of what one seed did to the disk, and when
}

func (t *tally) add(one tally) {
	t.Seeds += one.Seeds
	t.Lives += one.Lives
	t.Crashes += one.Crashes
	t.Records += one.Records
	t.Calls += one.Calls
	t.Delivered += one.Delivered
	t.Discarded += one.Discarded
	t.Documents += one.Documents
	t.Windows += one.Windows
	t.Took += one.Took
}

func (t tally) String() string {
	return fmt.Sprintf("%d seeds, %d lives of which %d ended in a crash, %d records, %d calls, %d deliveries, %d records in %d documents, %d windows, %s of virtual time",
		t.Seeds, t.Lives, t.Crashes, t.Records, t.Calls, t.Delivered, t.Discarded, t.Documents, t.Windows, t.Took.Round(time.Second))
}

// readTally finds the tally in what a seed has printed.
func readTally(printed string) (t tally, err error) {
	_, rest, ok := strings.Cut(printed, "tally: ")
	if !ok {
		return t, errors.New("it says nothing of what it did")
	}
	line, _, _ := strings.Cut(rest, "\n")
	return t, json.Unmarshal([]byte(line), &t)
}
