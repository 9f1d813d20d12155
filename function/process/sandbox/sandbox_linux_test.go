package sandbox

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
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

// The kernel ends a program that takes more memory than its group may, in a way that is told apart from other ends.
func TestKernelLimitsMemory(t *testing.T) {
	if err := Limits(); err != nil {
		t.Skip(err)
	}
	_, end := run(t, "head -c 400000000 /dev/zero | tail -c 300000000 >/dev/null", func(s *Spec) { s.MemoryBytes = 100 << 20 })
	if !end.OutOfMemory || end.Status.ExitStatus() != 128+int(unix.SIGKILL) {
		t.Errorf("%+v", end)
	}
	if _, end := run(t, "kill -9 $$", func(s *Spec) { s.MemoryBytes = 100 << 20 }); end.OutOfMemory {
		t.Errorf("killed by itself: %+v", end)
	}
	g, err := findGroups()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(g.dir, groupPrefix+strconv.Itoa(os.Getpid())+"-*")); err != nil || len(left) > 0 {
		t.Errorf("groups left: %v %v", left, err)
	}
}

// What a killed server left is cleared away, and what a living one uses is not.
func TestSweep(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	left := filepath.Join(dir, groupPrefix+strconv.Itoa(gone.Process.Pid)+"-7")
	used := filepath.Join(dir, groupPrefix+strconv.Itoa(os.Getpid())+"-7")
	for _, d := range []string{left, used} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	groups{dir: dir}.sweep()
	if found, err := os.ReadDir(dir); err != nil || len(found) != 1 || found[0].Name() != filepath.Base(used) {
		t.Errorf("%v %v", found, err)
	}
}

// Where the groups are, as kernels and systemd lay them out.
func TestPlacesOfGroups(t *testing.T) {
	for name, c := range map[string]struct{ own, mounts, want string }{
		"version 1": {"9:cpu:/\n4:memory:/a/b\n0::/\n", "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "/sys/fs/cgroup/memory/a/b"},
		"version 2": {"0::/system.slice/m.service\n", "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/system.slice/m.service"},
		"a subgroup": {
			"0::/system.slice/m.service/server\n", "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
			"/sys/fs/cgroup/system.slice/m.service/server /sys/fs/cgroup/system.slice/m.service",
		},
		"another's": {"0::/../x\n", "30 25 0:26 /elsewhere /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", ""},
	} {
		dir := t.TempDir()
		ownFile, mountFile := filepath.Join(dir, "own"), filepath.Join(dir, "mounts")
		if err := os.WriteFile(ownFile, []byte(c.own), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(mountFile, []byte(c.mounts), 0o600); err != nil {
			t.Fatal(err)
		}
		own, err := ownGroups(ownFile)
		if err != nil {
			t.Fatal(err)
		}
		mounts, err := groupMounts(mountFile)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range candidates(own, mounts) {
			got = append(got, g.dir)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
