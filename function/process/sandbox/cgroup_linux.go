package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// groupPrefix begins the names of our groups: millrace-SERVER-INIT, with the process ids of both.
const groupPrefix = "millrace-"

// subgroup is what a unit of systemd's has to call the group of its server (DelegateSubgroup=) for the server to make others
// beside it: the kernel does not limit groups inside one that has processes.
const subgroup = "server"

// groups is a place in which the server may make groups of processes whose memory the kernel limits.
type groups struct {
	dir         string
	limit       string            // the file that takes the limit, in bytes
	events      string            // the file that counts kills
	controllers []string          // to be turned on for the groups inside, in version 2
	others      map[string]string // what else is set, where the kernel knows it
}

var errNoGroups = errors.New("this server may not make cgroups with a memory controller")

// findGroups looks for the place once, and clears away what a server that was killed has left in it.
var findGroups = sync.OnceValues(func() (groups, error) {
	own, err := ownGroups("/proc/self/cgroup")
	if err != nil {
		return groups{}, err
	}
	mounts, err := groupMounts("/proc/self/mountinfo")
	if err != nil {
		return groups{}, err
	}
	for _, g := range candidates(own, mounts) {
		if g.usable() {
			unswept.Store(g.sweep())
			return g, nil
		}
	}
	return groups{}, errNoGroups
})

// unswept says that there are groups of other servers. The processes of one that was killed, and itself, may take a moment to
// end; what could not be removed then is looked at again with each sandbox.
var unswept atomic.Bool

// Limits reports why the kernel does not limit the memory of sandboxes; nil when it does.
func Limits() error {
	_, err := findGroups()
	return err
}

// candidates are the places in which there might be groups, in either version of the kernel's interface.
func candidates(own, mounts map[string]string) (all []groups) {
	if at, mounted := mounts["memory"]; mounted {
		all = append(all, groups{
			dir: filepath.Join(at, own["memory"]), limit: "memory.limit_in_bytes", events: "memory.oom_control",
		})
	}
	at, mounted := mounts[""]
	if !mounted {
		return all
	}
	dirs := []string{filepath.Join(at, own[""])}
	if filepath.Base(dirs[0]) == subgroup {
		dirs = append(dirs, filepath.Dir(dirs[0]))
	}
	for _, dir := range dirs {
		all = append(all, groups{
			dir: dir, limit: "memory.max", events: "memory.events", controllers: []string{"memory", "pids"},
			others: map[string]string{"memory.swap.max": "0", "memory.oom.group": "1", "pids.max": strconv.Itoa(maxProcesses + 64)},
		})
	}
	return all
}

// usable tries whether a group can be made and limited.
func (g groups) usable() bool {
	for _, controller := range g.controllers {
		// It may be on already, and then be another's to turn on.
		_ = os.WriteFile(filepath.Join(g.dir, "cgroup.subtree_control"), []byte("+"+controller), 0)
	}
	dir := filepath.Join(g.dir, groupPrefix+strconv.Itoa(os.Getpid())+"-try")
	if os.Mkdir(dir, 0o755) != nil {
		return false
	}
	defer func() { _ = os.Remove(dir) }()
	return os.WriteFile(filepath.Join(dir, g.limit), []byte("1073741824"), 0) == nil
}

// sweep removes the groups of servers that are no more. It reports whether any are left of others.
func (g groups) sweep() (left bool) {
	found, _ := filepath.Glob(filepath.Join(g.dir, groupPrefix+"*")) // the pattern is a good one
	for _, dir := range found {
		server, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), groupPrefix), "-")
		pid, err := strconv.Atoi(server)
		if err != nil || pid == os.Getpid() {
			continue
		}
		if !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || os.Remove(dir) != nil {
			left = true
		}
	}
	return left
}

// ownGroups reads which group this process is in, by controller; that of version 2 is "".
func ownGroups(path string) (map[string]string, error) {
	own := map[string]string{}
	return own, eachLine(path, func(line string) {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			return
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			own[controller] = parts[2]
		}
	})
}

// groupMounts reads where the groups are, in the same way.
func groupMounts(path string) (map[string]string, error) {
	mounts := map[string]string{}
	return mounts, eachLine(path, func(line string) {
		before, after, _ := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		switch {
		case len(place) < 5 || len(kind) < 3 || place[3] != "/":
		case kind[0] == "cgroup2":
			mounts[""] = place[4]
		case kind[0] == "cgroup" && slices.Contains(strings.Split(kind[2], ","), "memory"):
			mounts["memory"] = place[4]
		}
	})
}

func eachLine(path string, do func(string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		do(lines.Text())
	}
	return lines.Err()
}

// cgroup is the group of one sandbox.
type cgroup struct {
	groups
	path string
}

// newCgroup puts a process, and all that it will start, into a group with a limit of memory. It returns nil where the server
// may not do that.
func newCgroup(pid int, bytes int64) *cgroup {
	g, err := findGroups()
	if err != nil {
		return nil
	}
	if unswept.Load() {
		unswept.Store(g.sweep())
	}
	c := &cgroup{g, filepath.Join(g.dir, fmt.Sprintf("%s%d-%d", groupPrefix, os.Getpid(), pid))}
	if os.Mkdir(c.path, 0o755) != nil || c.take(pid, bytes) != nil {
		c.remove()
		return nil
	}
	return c
}

// take limits the group, which is empty, and puts the process into it.
func (c *cgroup) take(pid int, bytes int64) error {
	for name, value := range c.others {
		_ = c.set(name, value) // the kernel may not have it; what counts is the limit
	}
	if err := c.set(c.limit, strconv.FormatInt(bytes, 10)); err != nil {
		return err
	}
	return c.set("cgroup.procs", strconv.Itoa(pid))
}

func (c *cgroup) set(name, value string) error {
	f, err := os.OpenFile(filepath.Join(c.path, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// killed reports whether the kernel killed a process of the group for want of memory.
func (c *cgroup) killed() bool {
	if c == nil {
		return false
	}
	text, err := os.ReadFile(filepath.Join(c.path, c.events))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(text) {
		if count, ok := bytes.CutPrefix(line, []byte("oom_kill ")); ok {
			return string(bytes.TrimSpace(count)) != "0"
		}
	}
	return false
}

// remove removes the group, in which nothing runs any more. It may take the kernel a moment to notice that.
func (c *cgroup) remove() {
	if c == nil {
		return
	}
	for range 20 {
		if err := os.Remove(c.path); err == nil || errors.Is(err, fs.ErrNotExist) || !errors.Is(err, unix.EBUSY) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
