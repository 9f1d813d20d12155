package archive

import (
	"errors"
	"syscall"
)

// isNameError reports whether a file system refused a name: too long, not allowed, or used as both file and folder.
func isNameError(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EILSEQ, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
