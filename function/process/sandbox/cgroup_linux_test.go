package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel ends a program that takes more memory than its group may, in a way that is told apart from other ends.
func TestKernelLimitsMemory(t *testing.T) {
	if err := Limits(); err != nil {
		t.Skip(err)
	}
	_, end := run(t, "head -c 400000000 /dev/zero | tail -c 300000000 >/dev/null", func(s *Spec) { s.MemoryBytes = 100 << 20 })
	// Version 1 ends one process, here one that the program has started; version 2 ends all.
	if !end.OutOfMemory || end.Status.ExitStatus() != 128+int(unix.SIGKILL) && end.Status.Signal() != unix.SIGKILL {
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

// What a killed server left is cleared away, at the latest when nothing runs in it any more, and what a living one uses is not.
func TestSweep(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	of := func(pid int) string { return groupPrefix + strconv.Itoa(pid) + "-7" }
	left, own, other := of(gone.Process.Pid), of(os.Getpid()), of(os.Getppid())
	busy := filepath.Join(left, "process") // a folder with something in it cannot be removed, as a group with a process
	for _, d := range []string{own, other, left, busy} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(remains bool, want ...string) {
		t.Helper()
		got := groups{dir: dir}.sweep()
		var names []string
		found, err := os.ReadDir(dir)
		for _, f := range found {
			names = append(names, f.Name())
		}
		slices.Sort(want)
		if err != nil || got != remains || !slices.Equal(names, want) {
			t.Errorf("%t %v %v, want %t %v", got, names, err, remains, want)
		}
	}
	sweep(true, own, other, left)
	for _, d := range []string{busy, other} {
		if err := os.Remove(filepath.Join(dir, d)); err != nil {
			t.Fatal(err)
		}
	}
	sweep(false, own)
}

// What was still busy at the start goes with the next sandbox.
func TestSandboxSweeps(t *testing.T) {
	g, err := findGroups()
	if err != nil {
		t.Skip(err)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(g.dir, groupPrefix+strconv.Itoa(gone.Process.Pid)+"-7")
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(left) })
	unswept.Store(true)
	run(t, "true", func(s *Spec) { s.MemoryBytes = 100 << 20 })
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
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

// group2 is a group as candidates describes them in version 2, in a folder that stands for its place.
func group2(t *testing.T, dir string) groups {
	t.Helper()
	all := candidates(map[string]string{"": "/"}, map[string]string{"": dir})
	if len(all) != 1 {
		t.Fatal(all)
	}
	return all[0]
}

// What is written in version 2, and what is read of a kill. The folder is made up: it has the kernel's files and not its ways.
func TestFilesOfVersion2(t *testing.T) {
	g := group2(t, t.TempDir())
	c := &cgroup{g, filepath.Join(g.dir, "group")}
	if err := os.Mkdir(c.path, 0o755); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"memory.max": "104857600", "memory.swap.max": "0", "memory.oom.group": "1", "pids.max": strconv.Itoa(maxProcesses + 64), "cgroup.procs": "7",
	}
	if err := c.take(7, 100<<20); err == nil {
		t.Error("took a process into a group that cannot be limited")
	}
	for name := range want {
		if err := os.WriteFile(filepath.Join(c.path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.take(7, 100<<20); err != nil {
		t.Error(err)
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(c.path, name)); err != nil || string(got) != text {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	for text, want := range map[string]bool{
		"low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\noom_group_kill 0\n": false, "low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 1\n": true, "": false,
	} {
		if err := os.WriteFile(filepath.Join(c.path, g.events), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c.killed() != want {
			t.Errorf("%q: %t", text, c.killed())
		}
	}
}

// The kernel's own version 2, with whatever controller this host has left for it: groups are made, limited, entered and removed, also
// where controllers have to be turned on first.
func TestGroupsOfVersion2(t *testing.T) {
	mounts, err := groupMounts("/proc/self/mountinfo")
	if err != nil || mounts[""] == "" {
		t.Skip("no version 2 here")
	}
	// Most hosts have turned the controllers on.
	control := filepath.Join(mounts[""], "cgroup.subtree_control")
	if on, err := os.ReadFile(control); err == nil && len(on) <= 1 && os.WriteFile(control, []byte("+hugetlb"), 0) == nil {
		defer func() { _ = os.WriteFile(control, []byte("-hugetlb"), 0) }()
	}
	dir, err := os.MkdirTemp(mounts[""], groupPrefix+"test-")
	if err != nil {
		t.Skip(err)
	}
	defer func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	}()
	g := group2(t, dir)
	switch text, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers")); {
	case err != nil:
		t.Fatal(err)
	case strings.Contains(string(text), "memory"):
	case strings.Contains(string(text), "hugetlb"):
		g.limit, g.controllers = "hugetlb.2MB.max", []string{"hugetlb"}
	default:
		t.Skip("this host has no controller in version 2")
	}
	if !g.usable() {
		t.Fatal("it cannot be used")
	}
	sleeper := exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	c := &cgroup{g, filepath.Join(dir, "group")}
	if err := os.Mkdir(c.path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := c.take(sleeper.Process.Pid, 100<<20); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(c.path, "cgroup.procs")); err != nil || string(got) != strconv.Itoa(sleeper.Process.Pid)+"\n" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(c.path, g.limit)); err != nil || string(got) != "104857600\n" {
		t.Errorf("%q %v", got, err)
	}
	_ = sleeper.Process.Kill()
	_ = sleeper.Wait()
	c.remove()
	if _, err := os.Stat(c.path); !os.IsNotExist(err) {
		t.Errorf("the group is left: %v", err)
	}
	// Groups inside one that has processes have no limits: such a place is none.
	busy := groups{dir: filepath.Join(dir, "busy"), limit: g.limit, controllers: g.controllers}
	if err := os.Mkdir(busy.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer func() { (&cgroup{busy, busy.dir}).remove() }()
	sleeper = exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
	}()
	if err := (&cgroup{busy, busy.dir}).set("cgroup.procs", strconv.Itoa(sleeper.Process.Pid)); err != nil {
		t.Fatal(err)
	}
	if busy.usable() {
		t.Error("a group with processes in it can be used")
	}
}
