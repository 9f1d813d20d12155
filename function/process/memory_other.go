//go:build !linux

package process

import "syscall"

// maxMemoryMB is not known here.
func maxMemoryMB(int) int { return 0 }

// rusageMB returns the most memory that an ended process had resident, rounded up. The kernels other than Linux count in
// bytes.
func rusageMB(usage *syscall.Rusage) int { return int((usage.Maxrss + 1<<20 - 1) >> 20) }
