package sandbox

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// accompany starts a sandbox with companions, each a shell script, and a program that waits for Proceed. What they print can be
// read line by line.
func accompany(t *testing.T, program string, companions ...string) (*Process, *bufio.Reader, *bufio.Reader, error) {
	t.Helper()
	if err := Probe(t.Context(), t.TempDir()); err != nil {
		t.Skipf("this host does not allow sandboxes: %v", err)
	}
	spec := Spec{
		Root: t.TempDir(), TmpBytes: 16 << 20, Dir: "/tmp", Args: []string{"/bin/sh", "-c", program}, Env: []string{"PATH=/usr/bin:/bin"},
		CompanionEnv: []string{"PATH=/usr/bin:/bin", "WHO=companion"},
	}
	dir := t.TempDir()
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for n, script := range companions {
		name := string(rune('a' + n))
		mode := os.FileMode(0o755)
		if script == "" {
			mode = 0o644
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), mode); err != nil {
			t.Fatal(err)
		}
		spec.Companions = append(spec.Companions, "/opt/"+name)
	}
	spec.Mounts = []Mount{{Source: dir, Target: "/opt"}}
	var readers [2]*os.File
	for n, to := range []**os.File{&spec.Output, &spec.CompanionOutput} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		*to, readers[n] = w, r
		t.Cleanup(func() { r.Close() })
	}
	p, err := Start(t.Context(), spec)
	spec.Output.Close()
	spec.CompanionOutput.Close()
	return p, bufio.NewReader(readers[0]), bufio.NewReader(readers[1]), err
}

func expectLine(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	if got, err := r.ReadString('\n'); got != want+"\n" {
		t.Fatalf("%q, %v; want %q", got, err, want)
	}
}

// Companions run before the program and after it; they share its /tmp, and each has its own output, signals and end.
func TestCompanions(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, program, companions, err := accompany(t, `echo "$(cat shared), $WHO"; exit 3`,
		"trap 'exit 4' TERM; echo from $WHO >/tmp/shared; echo ready; while :; do sleep 0.01; done", "read x </dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	expectLine(t, companions, "ready")
	if p.Program() != 0 {
		t.Error("the program runs already")
	}
	if err := p.Proceed(); err != nil {
		t.Fatal(err)
	}
	expectLine(t, program, "from companion, ")
	<-p.Ended(0)
	if end := p.Ending(0); end.Status.ExitStatus() != 3 || end.MaxRSS == 0 {
		t.Errorf("the program's end: %+v", end)
	}
	for place, s := range map[int]syscall.Signal{1: unix.SIGTERM, 2: unix.SIGKILL} {
		select {
		case <-p.Ended(place):
			t.Errorf("companion %d has ended with the program", place)
		default:
		}
		p.Signal(place, s)
		<-p.Ended(place)
	}
	p.Signal(1, unix.SIGKILL) // does nothing any more
	if a, b := p.Ending(1).Status, p.Ending(2).Status; a.ExitStatus() != 4 || b.Signal() != unix.SIGKILL {
		t.Errorf("ends: %v, %v", a, b)
	}
	p.Kill()
	if end := p.Wait(); end.Status.ExitStatus() != 3 {
		t.Errorf("end: %+v", end)
	}
}

// What ends with the sandbox is known to have ended, and there is no program afterwards.
func TestCompanionsEndWithTheSandbox(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, _, companions, err := accompany(t, "exit 0", "echo ready; sleep 600")
	if err != nil {
		t.Fatal(err)
	}
	expectLine(t, companions, "ready")
	p.Kill()
	<-p.Ended(0)
	<-p.Ended(1)
	if _, ok := errors.AsType[*SetupError](p.Proceed()); !ok {
		t.Error("there is a program")
	}
	if end := p.Wait(); end.Status.Signal() != unix.SIGKILL || !p.Ending(1).Status.Signaled() {
		t.Errorf("ends: %+v %+v", end, p.Ending(1))
	}
}

func TestCompanionThatCannotStart(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, _, _, err := accompany(t, "exit 0", "sleep 600", "")
	failed, ok := errors.AsType[*CompanionError](err)
	if !ok || failed.Path != "/opt/b" || !errors.Is(err, unix.EACCES) {
		t.Errorf("%v", err)
	}
}
