package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// User and Group are who programs are inside, as AWS's are.
const (
	User  = 993
	Group = 990
)

const (
	// firstUser is the first of the host's user ids that sandboxes of a server of root's get, each its own. They lie above
	// those that systemd gives to containers.
	firstUser = 2_000_000_000
	users     = 1 << 16
	nobody    = 65534
)

// nextUser counts the user ids given out; several servers begin at different places.
var nextUser atomic.Uint32

func init() { nextUser.Store(uint32(os.Getpid()) * 97) } //nolint:gosec // where it begins does not matter

// identity is who a sandbox is on the host.
type identity struct {
	// Separate says that the program has a user id that differs from the server's: only root may give it one.
	Separate bool
	// Host is the user and group id of the program on the host.
	Host int
	// Counted says that the kernel counts processes for this sandbox alone, so that they can be limited.
	Counted bool
}

// identify finds out who the next sandbox can be. A server of root's must not share its user id with functions: the kernel lets
// the owner of its settings write them, also without capabilities. Sandboxes with a common id own each other's files in folders
// that they share, and else each has its own.
func identify(common bool) (identity, error) {
	if os.Geteuid() != 0 {
		return identity{Host: os.Geteuid(), Counted: kernelAtLeast(5, 14)}, nil
	}
	ranges, err := readRanges("/proc/self/uid_map")
	if err != nil {
		return identity{}, &SetupError{"read the server's user ids", err}
	}
	own := firstUser
	if !common {
		own += 1 + int(nextUser.Add(1)%(users-1))
	}
	switch {
	case ranges.cover(firstUser, users):
		return identity{Separate: true, Host: own, Counted: !common || kernelAtLeast(5, 14)}, nil
	case ranges.cover(nobody, 1):
		return identity{Separate: true, Host: nobody, Counted: kernelAtLeast(5, 14)}, nil
	case ranges.initial():
		return identity{}, &SetupError{"find a user id for functions", unix.EPERM}
	}
	// The server is root in a user namespace that has no other user, where root is somebody else in truth.
	return identity{Host: 0, Counted: kernelAtLeast(5, 14)}, nil
}

// attributes are how the init is started.
func (i identity) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Setpgid: true, Pdeathsig: syscall.SIGKILL,
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
	}
	if i.Separate {
		a.UidMappings = []syscall.SysProcIDMap{{HostID: 0, Size: 1}, {ContainerID: User, HostID: i.Host, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{HostID: 0, Size: 1}, {ContainerID: Group, HostID: i.Host, Size: 1}}
		a.GidMappingsEnableSetgroups = true
		return a
	}
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: User, HostID: os.Geteuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: Group, HostID: os.Getegid(), Size: 1}}
	// Without these the init would lose what it may do in its namespaces, being no root there.
	a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP}
	return a
}

// idRange is a line of a user namespace's map.
type idRange struct{ inside, outside, size int }

type idRanges []idRange

func readRanges(path string) (all idRanges, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r idRange
		if _, err := fmt.Sscan(lines.Text(), &r.inside, &r.outside, &r.size); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (all idRanges) cover(first, size int) bool {
	for _, r := range all {
		if first >= r.inside && first+size <= r.inside+r.size {
			return true
		}
	}
	return false
}

// initial reports whether root is the host's root.
func (all idRanges) initial() bool {
	for _, r := range all {
		if r.inside == 0 {
			return r.outside == 0
		}
	}
	return false
}

// kernelAtLeast compares the running kernel's version.
func kernelAtLeast(major, minor int) bool {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return false
	}
	var a, b int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &a, &b); err != nil {
		return false
	}
	return a > major || a == major && b >= minor
}
