package disk

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardFile is a file that was opened for writing, or a directory opened for syncing, before the guard froze.
type guardFile struct {
	vfs.File
	guard   *guard
	kind    fileKind
	name    string
	written int64 // bytes that Write wrote; writes come one after the other

	thaw   sync.Once
	memory vfs.File // where a table file goes on when the guard froze under it
}

// settle gives Pebble its answer: after the guard froze, it is as if all went well.
func settle(err error) error {
	if errors.Is(err, errFrozen) {
		return nil
	}
	return err
}

// Write implements vfs.File.
func (f *guardFile) Write(p []byte) (int, error) {
	done := 0
	err := f.guard.do(f.kind, "write "+f.name, func() error {
		n, err := f.File.Write(p[done:])
		done += n
		f.written += int64(n)
		return err
	})
	if err != nil && f.kind != vital {
		_, err = f.inMemory().Write(p[done:])
	}
	return len(p), settle(err)
}

// inMemory returns a copy in memory of what was written so far. Table files are read back soon after they were written;
// one that cannot be copied is found damaged then.
func (f *guardFile) inMemory() vfs.File {
	f.thaw.Do(func() {
		f.memory, _ = f.guard.makeFrozen(flushed, f.name, vfs.WriteCategoryUnspecified)
		_, _ = io.Copy(f.memory, io.NewSectionReader(f.File, 0, f.written))
	})
	return f.memory
}

// WriteAt implements vfs.File. Pebble writes no table file so.
func (f *guardFile) WriteAt(p []byte, offset int64) (int, error) {
	done := 0
	err := f.guard.do(f.kind, "write "+f.name, func() error {
		n, err := f.File.WriteAt(p[done:], offset+int64(done))
		done += n
		return err
	})
	return len(p), settle(err)
}

// Preallocate implements vfs.File. It is an optimization, and Pebble takes its error as such.
func (f *guardFile) Preallocate(offset, length int64) error {
	if f.guard.frozen.Load() {
		return nil
	}
	return f.File.Preallocate(offset, length)
}

// Sync implements vfs.File.
func (f *guardFile) Sync() error { return settle(f.guard.sync("sync "+f.name, f.File.Sync)) }

// SyncData implements vfs.File.
func (f *guardFile) SyncData() error { return settle(f.guard.sync("sync "+f.name, f.File.SyncData)) }

// SyncTo implements vfs.File.
func (f *guardFile) SyncTo(length int64) (full bool, err error) {
	err = f.guard.sync("sync "+f.name, func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, settle(err)
}

// Close implements vfs.File.
func (f *guardFile) Close() error {
	if f.memory != nil {
		_ = f.memory.Close()
	}
	err := f.File.Close()
	switch {
	case err == nil || f.guard.frozen.Load():
		return nil
	default:
		return settle(f.guard.freeze(fmt.Errorf("close %s: %w", f.name, err)))
	}
}
