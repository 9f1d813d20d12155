package sandbox

import (
	"fmt"
	"os"
	"syscall"
)

// Spec says what runs in a sandbox and what it sees.
type Spec struct {
	// Root is an empty folder of the host; the sandbox's file tree is mounted there, visible to the sandbox alone. Many may
	// use the same.
	Root string
	// Mounts are shown in the order in which they are listed, beside the host's system folders.
	Mounts []Mount
	// Common gives the program the same user id on the host as others that ask for it, so that they can share files.
	Common bool
	// TmpBytes is how much fits into /tmp.
	TmpBytes int64
	// MemoryBytes is a limit on all memory, /tmp included, where the host lets the server use cgroups; 0 for none.
	MemoryBytes int64

	// Args are the program, by its path inside, and its arguments. Without any the sandbox is built and taken down again.
	Args []string
	Env  []string
	// Dir is the folder inside in which the program starts.
	Dir string
	// Output takes the program's standard output and standard error.
	Output *os.File `json:"-"`

	// Companions are the paths, inside, of programs that run beside the program, in the same folder. They are started first,
	// and the program waits for Process.Proceed. A sandbox with companions lasts until it is killed.
	Companions   []string
	CompanionEnv []string
	// CompanionOutput takes their standard output and standard error.
	CompanionOutput *os.File `json:"-"`
}

// Mount shows a file or folder of the host in a sandbox. The host's permissions go on to count.
type Mount struct {
	Source, Target string
	Writable       bool
	// Optional mounts are passed over when the host does not have the source.
	Optional bool
}

// End is how a program ended.
type End struct {
	Status syscall.WaitStatus
	// MaxRSS is the most memory that the program had resident, in bytes; 0 when it is not known.
	MaxRSS int64
	// OutOfMemory says that the kernel killed for want of memory in the sandbox.
	OutOfMemory bool
}

// CompanionError says that a companion could not be started, and what the kernel said of it.
type CompanionError struct {
	Path string
	Err  error
}

func (e *CompanionError) Error() string { return fmt.Sprintf("start %s: %v", e.Path, e.Err) }
func (e *CompanionError) Unwrap() error { return e.Err }

// SetupError says that a sandbox could not be built: the host forbids something, or lacks it.
type SetupError struct {
	Step string
	Err  error
}

func (e *SetupError) Error() string { return fmt.Sprintf("%s: %v", e.Step, e.Err) }
func (e *SetupError) Unwrap() error { return e.Err }
