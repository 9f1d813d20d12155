package process_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/function"
)

// sacrifice is the argument that makes the test binary a server to be killed.
const sacrifice = "be-sacrificed"

// No process outlives a server that is killed.
func TestKilledServerLeavesNoProcess(t *testing.T) {
	server := exec.Command(os.Args[0], sacrifice)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, field := range strings.Fields(line) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if !alive(pid) {
			t.Errorf("process %d does not run", pid)
		}
		pids = append(pids, pid)
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	expectGone(t, pids...)
}

// beSacrificed serves a function, prints the numbers of its processes, and waits to be killed.
func beSacrificed() {
	defer os.Exit(1)
	t := &sacrificed{}
	h := open(t)
	h.gobootstrap("f")
	pids := make(chan string)
	for range 3 {
		go func() {
			result, err := h.functions.Invoke(context.Background(), function.Invocation{Ref: ref("f"), Payload: []byte(`{"Do":"pid"}`)})
			if err != nil {
				t.Fatal(err)
			}
			pids <- string(result.Payload)
		}()
	}
	fmt.Println(<-pids, <-pids, <-pids)
	select {}
}

// sacrificed stands in for a test where there is none.
type sacrificed struct{ testing.TB }

func (s *sacrificed) Helper()                  {}
func (s *sacrificed) Cleanup(func())           {}
func (s *sacrificed) Context() context.Context { return context.Background() }

func (s *sacrificed) TempDir() string {
	dir, err := os.MkdirTemp("", "sacrificed-")
	if err != nil {
		s.Fatal(err)
	}
	return dir
}

func (s *sacrificed) Fatal(a ...any) {
	fmt.Fprintln(os.Stderr, a...)
	os.Exit(1)
}

func (s *sacrificed) Fatalf(format string, a ...any) { s.Fatal(fmt.Sprintf(format, a...)) }
