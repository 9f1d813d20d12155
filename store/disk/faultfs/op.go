package faultfs

import (
	"fmt"
	"path"
	"time"
)

// Kind is a kind of operation.
type Kind string

// The kinds of operations that faults apply to and watchers are told of.
const (
	Create Kind = "create" // also making a file anew from an old one
	Write  Kind = "write"
	Sync   Kind = "sync" // of a file or a directory, whole or in part
	Rename Kind = "rename"
	Remove Kind = "remove"
	Mkdir  Kind = "mkdir"
	Open   Kind = "open" // for reading
	Read   Kind = "read"
	// Any stands for all of them in a Fault.
	Any Kind = ""
)

// Op is one operation on the file system.
type Op struct {
	Kind  Kind
	Name  string // the file's whole path
	Bytes int    // of a Write or a Read
}

// String returns the operation as a line.
func (o Op) String() string { return fmt.Sprintf("%s %s", o.Kind, o.Name) }

// Fault makes operations fail or dawdle. A Fault reads as a sentence:
//
//	{Op: Sync, File: "*.log", From: 3, Err: syscall.EIO}   // the third and later syncs of log files fail
//	{Op: Write, File: "MANIFEST-*", Times: 1, Err: EIO}    // the next write to a manifest fails
//	{Op: Sync, Delay: time.Second}                         // every sync takes a second
type Fault struct {
	Op    Kind          // Any by default
	File  string        // a pattern as of path.Match over the last element of the name; "" matches all
	From  int           // the first matching operation that is hit, counted from 1; 0 is 1
	Times int           // how many are hit; 0 is all
	Delay time.Duration // before the operation
	Err   error         // instead of the operation; nil only delays
}

func (f Fault) matches(op Op) bool {
	if f.Op != Any && f.Op != op.Kind {
		return false
	}
	if f.File == "" {
		return true
	}
	ok, err := path.Match(f.File, path.Base(op.Name))
	return ok && err == nil
}

// hits reports whether the fault hits its nth matching operation.
func (f Fault) hits(n int) bool {
	from := max(f.From, 1)
	return n >= from && (f.Times == 0 || n < from+f.Times)
}
