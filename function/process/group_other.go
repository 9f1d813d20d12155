//go:build !linux

package process

import "syscall"

// attributes put the process into a group of its own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// waitUnreaped cannot wait here: the group is killed after the process was reaped, while its number is hardly in use
// again.
func waitUnreaped(int) bool { return false }
