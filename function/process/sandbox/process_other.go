//go:build !linux

package sandbox

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// Process is a program in a sandbox. There are none here.
type Process struct{}

var errNotLinux = &SetupError{"make namespaces", errors.New("only Linux has them")}

// Start says that there can be no sandbox here.
func Start(context.Context, Spec) (*Process, error) { return nil, errNotLinux }

// Probe says that there can be no sandbox here.
func Probe(context.Context, string) error { return errNotLinux }

// Limits says that the kernel does not limit the memory of sandboxes here.
func Limits() error { return errNotLinux }

// KnowsPeers says that there are no sandboxes here.
func KnowsPeers() error { return errNotLinux }

// Made is never called.
func (*Process) Made(net.Conn) bool { return false }

// HidesAbstractSockets says that there are no sandboxes here.
func HidesAbstractSockets() bool { return false }

// PID is never called.
func (*Process) PID() int { return 0 }

// Proc is never called.
func (*Process) Proc() string { return "" }

// Program is never called.
func (*Process) Program() int { return 0 }

// Limited is never called.
func (*Process) Limited() bool { return false }

// Kill is never called.
func (*Process) Kill() {}

// Proceed is never called.
func (*Process) Proceed() error { return errNotLinux }

// Signal is never called.
func (*Process) Signal(int, syscall.Signal) {}

// Ended is never called.
func (*Process) Ended(int) <-chan struct{} { return nil }

// Ending is never called.
func (*Process) Ending(int) End { return End{} }

// Wait is never called.
func (*Process) Wait() End { return End{} }
