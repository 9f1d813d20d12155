package disk_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/storetest"
)

// The variables that make this test binary the child of TestKill.
const (
	childDir  = "MILLRACE_TEST_DISK_DIR"
	childSeed = "MILLRACE_TEST_DISK_SEED"
)

const killWriters = 12

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := beKilled(dir, os.Getenv(childSeed)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beKilled opens the store and writes to it until the process is killed. It reports every act on its standard output,
// when it begins and when it is acknowledged.
func beKilled(dir, seedText string) error {
	var seed uint64
	if _, err := fmt.Sscan(seedText, &seed); err != nil {
		return err
	}
	s, err := disk.Open(disk.Options{Dir: dir, MemtableBytes: mib})
	if err != nil {
		return err
	}
	w := storetest.NewWorkload(seed, killWriters)
	w.OnBegin = func(writer int) { fmt.Fprintf(os.Stdout, "begin %d\n", writer) }
	w.OnAck = func(writer int, number uint64) { fmt.Fprintf(os.Stdout, "ack %d %d\n", writer, number) }
	return w.Run(context.Background(), s, 1_000_000)
}

// TestKill kills a process that writes, at a random moment, and opens the store it left, again and again.
func TestKill(t *testing.T) {
	rounds := 10
	if testing.Short() || race.Enabled {
		rounds = 3
	}
	dir := t.TempDir()
	rng := rng(uint64(time.Now().UnixNano()))
	var workloads []*storetest.Workload
	for round := range rounds {
		seed := uint64(round + 1)
		w := storetest.NewWorkload(seed, killWriters)
		workloads = append(workloads, w)
		acks := killAfter(t, dir, seed, w, 20+rng.IntN(3000))

		begun := time.Now()
		s := mustOpen(t, disk.Options{Dir: dir, MemtableBytes: mib})
		opened := time.Since(begun)
		for _, w := range workloads {
			w.Check(t, s, w.Record())
		}
		if err := w.Settle(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := w.Run(t.Context(), s, 5); err != nil {
			t.Fatal(err)
		}
		w.Check(t, s, w.Record())
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("killed after %d acts, opened in %v", acks, opened)
		if t.Failed() {
			return
		}
	}
}

// killAfter runs a child until it has acknowledged so many acts, kills it, and notes all that it had reported.
func killAfter(t *testing.T, dir string, seed uint64, w *storetest.Workload, acks int) int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir, fmt.Sprintf("%s=%d", childSeed, seed))
	var stderr strings.Builder
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var writer int
		var number uint64
		if _, err := fmt.Sscanf(lines.Text(), "ack %d %d", &writer, &number); err == nil {
			if err := w.Ack(writer, number); err != nil {
				t.Errorf("child's writer %d: %v", writer, err)
			}
			if seen++; seen == acks {
				if err := child.Process.Kill(); err != nil {
					t.Error(err)
				}
			}
		} else if _, err := fmt.Sscanf(lines.Text(), "begin %d", &writer); err == nil {
			w.Begin(writer)
		} else {
			t.Errorf("child says %q", lines.Text())
		}
	}
	if err := child.Wait(); err == nil || seen < acks {
		t.Fatalf("the child ended by itself after %d acts: %v\n%s", seen, err, stderr.String())
	}
	return seen
}
