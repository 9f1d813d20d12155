package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// maxMemoryMB returns the most memory that a process had resident until now, rounded up, or 0 when it cannot be read.
func maxMemoryMB(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0
	}
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		return 0
	}
	return (kib + 1023) / 1024
}

// rusageMB returns the most memory that an ended process had resident, rounded up.
func rusageMB(usage *syscall.Rusage) int { return int((usage.Maxrss + 1023) / 1024) }
