//go:build !linux

package process

import "syscall"

// The memory of running processes is not known here.

func residentBytes(string) int64     { return 0 }
func proportionalBytes(string) int64 { return 0 }
func peakBytes(string) int64         { return 0 }
func sandboxed(string, int) []string { return nil }
func folders([]int) []string         { return nil }

// Nor are the processes that another has started.
func family(int) []int { return nil }

// rusageBytes returns the most memory that an ended process had resident. The kernels other than Linux count in bytes.
func rusageBytes(usage *syscall.Rusage) int64 { return int64(usage.Maxrss) }
