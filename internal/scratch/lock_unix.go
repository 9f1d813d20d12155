//go:build unix

package scratch

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// claim locks a folder of this user's. It is not ours when another process has it locked, when it belongs to another user, or when
// it was removed or replaced meanwhile.
func claim(path string) (lock *os.File, ours bool, err error) {
	dir, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	err = unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	var locked, named os.FileInfo
	if err == nil {
		locked, err = dir.Stat()
	}
	if err == nil {
		named, err = os.Lstat(path)
	}
	if err == nil && os.SameFile(locked, named) && owner(locked) == os.Geteuid() {
		return dir, true, nil
	}
	_ = dir.Close()
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return nil, false, err
}

func owner(info os.FileInfo) int {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1
	}
	return int(stat.Uid)
}
