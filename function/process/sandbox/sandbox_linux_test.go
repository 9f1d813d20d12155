package sandbox

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// run runs a shell script in a sandbox and returns what it printed and how it ended.
func run(t *testing.T, script string, change func(*Spec)) (string, End) {
	t.Helper()
	if err := Probe(t.Context(), t.TempDir()); err != nil {
		t.Skipf("this host does not allow sandboxes: %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	spec := Spec{
		Root: t.TempDir(), TmpBytes: 16 << 20, Output: w, Dir: "/tmp",
		Args: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"},
	}
	change(&spec)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, err := Start(t.Context(), spec)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if _, err := printed.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return printed.String(), p.Wait()
}

// How the program ends is told as it is, and its output can be opened by name.
func TestEnds(t *testing.T) {
	for script, want := range map[string]int{"exit 3": 3 << 8, "exit 137": 137 << 8, "kill -9 $$": 9, "kill -TERM $$": 15, "kill -9 1; echo x >/dev/stdout; exit 0": 0} {
		printed, end := run(t, script, func(*Spec) {})
		if int(end.Status) != want || end.OutOfMemory {
			t.Errorf("%s: %+v, %s", script, end, printed)
		}
		if strings.Contains(script, "echo") && !strings.HasSuffix(printed, "x\n") {
			t.Errorf("%s printed %q", script, printed)
		}
	}
}

// What programs do with files and sockets among themselves works behind the walls.
func TestUsualCalls(t *testing.T) {
	const script = `
set -e
mkdir a b; echo x >a/x; mv a/x b/y; ln b/y a/z; ln -s ../b/y a/l; cat a/z a/l
echo piped | cat
`
	if printed, end := run(t, script, func(*Spec) {}); printed != "x\nx\npiped\n" || end.Status != 0 {
		t.Errorf("%+v %s", end, printed)
	}
}

// A program that cannot be started is the kernel's error, and no failure of the sandbox.
func TestNoProgram(t *testing.T) {
	if err := Probe(t.Context(), t.TempDir()); err != nil {
		t.Skip(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	_, err = Start(t.Context(), Spec{Root: t.TempDir(), TmpBytes: 1 << 20, Output: w, Args: []string{"/no/such/program"}, Dir: "/"})
	if err != unix.ENOENT { //nolint:errorlint // this is what callers look for
		t.Errorf("%v", err)
	}
	_, err = Start(t.Context(), Spec{Root: "/no/such/folder", TmpBytes: 1 << 20, Output: w, Args: []string{"/bin/true"}, Dir: "/"})
	if _, ok := err.(*SetupError); !ok { //nolint:errorlint // the same
		t.Errorf("%v", err)
	}
}
