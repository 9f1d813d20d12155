package process_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/function"
)

// sacrifice is the argument that makes the test binary a server to be killed.
const sacrifice = "be-sacrificed"

// No process outlives a server that is killed.
func TestKilledServerLeavesNoProcess(t *testing.T) {
	server := exec.Command(os.Args[0], sacrifice)
	server.Env = append(os.Environ(), programsVariable+"="+programs, "TMPDIR="+t.TempDir())
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
	processes := strings.Fields(strings.ReplaceAll(line, `"`, ""))
	for _, name := range processes {
		if hostPID(name) == 0 {
			t.Errorf("process %s does not run", name)
		}
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	expectGone(t, processes...)
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
	if err == nil {
		dir = filepath.Join(dir, "1")
		err = os.Mkdir(dir, 0o755)
	}
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
