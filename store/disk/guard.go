package disk

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard stands between Pebble and the file system, because Pebble panics, often on a goroutine of its own, when a file
// that it writes fails it. No failing disk may end the process, so such errors do not reach Pebble.
//
//   - No space: the ballast is given up and the write tried again. When even that does not help, the write waits here
//     until there is room; the store meanwhile refuses new writes, and reads go on.
//   - Anything else, a failed sync above all (what a failed sync left behind cannot be known): the guard freezes. The
//     store is told first, so that no write is acknowledged any more. From then on nothing changes on the disk, which
//     therefore looks as after a crash at that moment; Pebble is told that all went well, what it goes on to write is
//     kept in memory, and so reads go on and Close can end it. Opening again recovers as from a crash, which is the one
//     way of recovering there is.
//
// Pebble knows how to live without a table file that cannot be created, so that error alone is passed on, only slowly,
// since Pebble tries again at once.
type guard struct {
	vfs.FS

	relieve func(spend bool) bool // told that there is no room; may give up the ballast, and reports whether it did
	failed  func(error)           // told of the failure before the guard freezes
	retry   time.Duration
	closing chan struct{}

	rewrites rewrites

	damage atomic.Bool // some file was found damaged
	opened atomic.Bool // before, nothing waits for room: the store's opening then fails
	frozen atomic.Bool
	after  *vfs.MemFS // what is written while frozen, so that it can be read back

	mu    sync.Mutex
	stuck int           // writes waiting for room that the log waits for
	alarm chan struct{} // closed while one has been waiting for longer than patience
}

const (
	// patience is how often a write that found no room is tried before those behind it are answered.
	patience = 10
	// failurePace is how long a failed flush or compaction is held before it may be tried again, in intervals of retry.
	failurePace = 10
)

// errFrozen says that the disk no longer changes.
var errFrozen = errors.New("the disk is frozen after a failure")

func newGuard(o Options, relieve func(bool) bool, failed func(error)) *guard {
	return &guard{
		FS:      o.FS,
		relieve: relieve,
		failed:  failed,
		retry:   o.RetryInterval,
		closing: make(chan struct{}),
		after:   vfs.NewMem(),
		alarm:   make(chan struct{}),
	}
}

// fileKind says what a file is to Pebble.
type fileKind int

const (
	vital     fileKind = iota // log, manifest, markers: nothing goes on without
	flushed                   // table files written by a flush: the log cannot go on for long without
	compacted                 // table files written by a compaction: not urgent
)

const rewriteCategory = "pebble-blob-file-rewrite"

func kindOf(category vfs.DiskWriteCategory) fileKind {
	switch category {
	case "pebble-memtable-flush":
		return flushed
	case "pebble-compaction", rewriteCategory:
		return compacted
	default:
		return vital
	}
}

// isFull reports whether an error says that there is no room.
func isFull(err error) bool {
	return vfs.IsNoSpaceError(err) || errors.Is(err, syscall.EDQUOT)
}

// do carries out one change of the disk. It returns nil when the change was made, and errFrozen when it was not and the
// caller is to act as if it was. An op that is tried again goes on where it stopped.
func (g *guard) do(kind fileKind, what string, op func() error) error {
	waited := 0
	defer func() {
		if waited > 0 && kind != compacted {
			g.unstick()
		}
	}()
	for {
		if g.frozen.Load() {
			return errFrozen
		}
		err := op()
		switch {
		case err == nil:
			return nil
		case !isFull(err):
			return g.freeze(fmt.Errorf("%s: %w", what, err))
		case g.relieve(kind != compacted):
			continue
		case g.isClosing() || !g.opened.Load():
			return g.freeze(fmt.Errorf("%s: %w", what, err))
		}
		if waited++; waited == 1 && kind != compacted {
			g.stick()
		}
		g.pause(g.retry)
		if waited >= patience && kind != compacted {
			g.raise()
		}
	}
}

// sync carries out a sync. A sync that failed is never tried again: the next one may succeed without having written
// what the first one lost.
func (g *guard) sync(what string, op func() error) error {
	if g.frozen.Load() {
		return errFrozen
	}
	err := op()
	if err == nil {
		return nil
	}
	return g.freeze(fmt.Errorf("%s: %w", what, err))
}

// freeze ends all changes of the disk.
func (g *guard) freeze(err error) error {
	g.failed(err)
	g.frozen.Store(true)
	return errFrozen
}

// close makes writes that wait for room give up. What they carry was never acknowledged.
func (g *guard) close() { close(g.closing) }

func (g *guard) isClosing() bool {
	select {
	case <-g.closing:
		return true
	default:
		return false
	}
}

func (g *guard) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.closing:
	}
}

func (g *guard) stick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stuck++
}

func (g *guard) unstick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stuck--; g.stuck == 0 {
		select {
		case <-g.alarm:
			g.alarm = make(chan struct{})
		default:
		}
	}
}

// raise lets go of those who wait for writes behind the one that is stuck.
func (g *guard) raise() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.alarm:
	default:
		close(g.alarm)
	}
}

// isStuck reports whether a write waits for room.
func (g *guard) isStuck() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stuck > 0
}

// alarmed returns a channel that is closed when a write has waited for room for too long.
func (g *guard) alarmed() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.alarm
}

// Create implements vfs.FS. The marker of the manifest in use names another file, whose own name Pebble leaves to the same
// sync of the directory; a crash may keep the one name and lose the other. So what it names is made durable first.
func (g *guard) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(g.PathBase(name), "marker.manifest.") {
		dir := g.PathDir(name)
		_ = g.sync("sync "+dir, func() error { return syncDir(g.FS, dir) }) // frozen, if anything
	}
	kind := kindOf(category)
	if kind == compacted && g.damage.Load() {
		g.pause(failurePace * g.retry) // a compaction that failed over damage is tried again at once, and for ever
	}
	if category == rewriteCategory {
		if err := g.loadRewrites(g.PathDir(name)); err != nil {
			g.pause(failurePace * g.retry)
			return nil, fmt.Errorf("a rewrite would fail: %w", err)
		}
	}
	return g.make(kind, "create", name, category, func() (vfs.File, error) { return g.FS.Create(name, category) })
}

// ReuseForWrite implements vfs.FS.
func (g *guard) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.make(vital, "reuse", newname, category, func() (vfs.File, error) {
		return g.FS.ReuseForWrite(oldname, newname, category)
	})
}

// OpenReadWrite implements vfs.FS.
func (g *guard) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.make(vital, "open", name, category, func() (vfs.File, error) {
		return g.FS.OpenReadWrite(name, category, opts...)
	})
}

func (g *guard) make(kind fileKind, verb, name string, category vfs.DiskWriteCategory, op func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	var refused error
	err := g.do(kind, verb+" "+name, func() (err error) {
		f, err = op()
		if err != nil && !isFull(err) && kind != vital {
			refused = err
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return g.makeFrozen(kind, name, category)
	case refused != nil:
		g.pause(failurePace * g.retry)
		return nil, refused
	default:
		return &guardFile{File: f, guard: g, kind: kind, name: name}, nil
	}
}

// makeFrozen creates a file in memory. New ones of compactions would need too much of it; they wait for the end, or fail
// while Pebble is being opened, which may wait for them.
func (g *guard) makeFrozen(kind fileKind, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if kind == compacted {
		if g.opened.Load() {
			<-g.closing
		}
		g.pause(g.retry)
		return nil, errFrozen
	}
	if err := g.after.MkdirAll(g.PathDir(name), os.ModePerm); err != nil {
		return nil, err
	}
	return g.after.Create(name, category)
}

// Open implements vfs.FS.
func (g *guard) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if g.frozen.Load() {
		if f, err := g.after.Open(name, opts...); err == nil {
			return f, nil
		}
	}
	if !isValueFile(name) {
		return g.FS.Open(name, opts...)
	}
	f, err := g.FS.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	return g.openValueFile(name, f)
}

// Stat implements vfs.FS.
func (g *guard) Stat(name string) (vfs.FileInfo, error) {
	if g.frozen.Load() {
		if info, err := g.after.Stat(name); err == nil {
			return info, nil
		}
	}
	return g.FS.Stat(name)
}

// OpenDir implements vfs.FS.
func (g *guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guardFile{File: f, guard: g, kind: vital, name: name}, nil
}

// Link implements vfs.FS.
func (g *guard) Link(oldname, newname string) error {
	return g.change("link "+newname, func() error { return g.FS.Link(oldname, newname) })
}

// Rename implements vfs.FS.
func (g *guard) Rename(oldname, newname string) error {
	return g.change("rename to "+newname, func() error { return g.FS.Rename(oldname, newname) })
}

// MkdirAll implements vfs.FS.
func (g *guard) MkdirAll(dir string, perm os.FileMode) error {
	return g.change("make "+dir, func() error { return g.FS.MkdirAll(dir, perm) })
}

func (g *guard) change(what string, op func() error) error {
	return settle(g.do(vital, what, op))
}

// Remove implements vfs.FS. A file that cannot be removed is only a file too many, so its error is passed on.
func (g *guard) Remove(name string) error {
	if g.frozen.Load() {
		return nil
	}
	return g.FS.Remove(name)
}

// RemoveAll implements vfs.FS.
func (g *guard) RemoveAll(name string) error {
	if g.frozen.Load() {
		return nil
	}
	return g.FS.RemoveAll(name)
}

// Unwrap implements vfs.FS.
func (g *guard) Unwrap() vfs.FS { return g.FS }
