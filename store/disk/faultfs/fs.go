package faultfs

import (
	"errors"
	"io"
	"os"
	"path"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is a file system with faults. Its methods may be called at any time from any goroutine.
type FS struct {
	vfs.FS

	mu     sync.Mutex
	faults []*armed
	watch  func(Op)
	counts map[Kind]map[string]int // by kind and file extension
	disk   disk
}

type armed struct {
	Fault
	seen int
}

// New returns a file system without faults over another.
func New(inner vfs.FS) *FS {
	return &FS{FS: inner, counts: make(map[Kind]map[string]int), disk: disk{bytes: make(map[string]int64)}}
}

// Set replaces all faults. Their counts begin anew.
func (fs *FS) Set(faults ...Fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.faults = nil
	for _, f := range faults {
		fs.faults = append(fs.faults, &armed{Fault: f})
	}
}

// Watch sets who is told of every operation before it is done, on the goroutine that does it; nil for nobody.
func (fs *FS) Watch(watch func(Op)) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.watch = watch
}

// Count returns how many operations of the kind were asked for on files with the extension, such as ".log"; "" is
// files without one, directories among them.
func (fs *FS) Count(kind Kind, ext string) int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.counts[kind][ext]
}

// before is called ahead of every operation. Its error is the operation's.
func (fs *FS) before(op Op) error {
	fs.mu.Lock()
	byExt := fs.counts[op.Kind]
	if byExt == nil {
		byExt = make(map[string]int)
		fs.counts[op.Kind] = byExt
	}
	byExt[path.Ext(op.Name)]++
	watch := fs.watch
	var delay time.Duration
	var err error
	for _, f := range fs.faults {
		if !f.matches(op) {
			continue
		}
		f.seen++
		if f.hits(f.seen) {
			delay += f.Delay
			if err == nil {
				err = f.Err
			}
		}
	}
	fs.mu.Unlock()
	if watch != nil {
		watch(op)
	}
	if delay > 0 {
		time.Sleep(delay)
	}
	if err != nil {
		return &os.PathError{Op: string(op.Kind), Path: op.Name, Err: err}
	}
	return nil
}

// Create implements vfs.FS.
func (fs *FS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.before(Op{Kind: Create, Name: name}); err != nil {
		return nil, err
	}
	if !fs.create(name) {
		return nil, &os.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
	}
	return fs.wrap(name)(fs.FS.Create(name, category))
}

// ReuseForWrite implements vfs.FS.
func (fs *FS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.before(Op{Kind: Create, Name: newname}); err != nil {
		return nil, err
	}
	f, err := fs.FS.ReuseForWrite(oldname, newname, category)
	if err == nil {
		fs.rename(oldname, newname)
	}
	return fs.wrap(newname)(f, err)
}

// OpenReadWrite implements vfs.FS.
func (fs *FS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := fs.before(Op{Kind: Create, Name: name}); err != nil {
		return nil, err
	}
	return fs.wrap(name)(fs.FS.OpenReadWrite(name, category, opts...))
}

// Open implements vfs.FS.
func (fs *FS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := fs.before(Op{Kind: Open, Name: name}); err != nil {
		return nil, err
	}
	return fs.wrap(name)(fs.FS.Open(name, opts...))
}

// OpenDir implements vfs.FS.
func (fs *FS) OpenDir(name string) (vfs.File, error) {
	return fs.wrap(name)(fs.FS.OpenDir(name))
}

// Rename implements vfs.FS.
func (fs *FS) Rename(oldname, newname string) error {
	if err := fs.before(Op{Kind: Rename, Name: newname}); err != nil {
		return err
	}
	err := fs.FS.Rename(oldname, newname)
	if err == nil {
		fs.rename(oldname, newname)
	}
	return err
}

// Link implements vfs.FS.
func (fs *FS) Link(oldname, newname string) error {
	if err := fs.before(Op{Kind: Create, Name: newname}); err != nil {
		return err
	}
	return fs.FS.Link(oldname, newname)
}

// Remove implements vfs.FS.
func (fs *FS) Remove(name string) error {
	if err := fs.before(Op{Kind: Remove, Name: name}); err != nil {
		return err
	}
	err := fs.FS.Remove(name)
	if err == nil {
		fs.remove(name)
	}
	return err
}

// RemoveAll implements vfs.FS.
func (fs *FS) RemoveAll(string) error { return errors.New("faultfs: RemoveAll is not carried out") }

// MkdirAll implements vfs.FS.
func (fs *FS) MkdirAll(dir string, perm os.FileMode) error {
	if err := fs.before(Op{Kind: Mkdir, Name: dir}); err != nil {
		return err
	}
	return fs.FS.MkdirAll(dir, perm)
}

// Lock implements vfs.FS.
func (fs *FS) Lock(name string) (io.Closer, error) {
	if err := fs.before(Op{Kind: Create, Name: name}); err != nil {
		return nil, err
	}
	return fs.FS.Lock(name)
}

// Unwrap implements vfs.FS.
func (fs *FS) Unwrap() vfs.FS { return fs.FS }

func (fs *FS) wrap(name string) func(vfs.File, error) (vfs.File, error) {
	return func(f vfs.File, err error) (vfs.File, error) {
		if err != nil {
			return nil, err
		}
		return &file{File: f, fs: fs, name: name}, nil
	}
}

// file is a file or directory with faults.
type file struct {
	vfs.File
	fs     *FS
	name   string
	offset int64 // of the next Write
}

// Write implements vfs.File.
func (f *file) Write(p []byte) (int, error) {
	if err := f.fs.before(Op{Kind: Write, Name: f.name, Bytes: len(p)}); err != nil {
		return 0, err
	}
	room := f.fs.take(f.name, f.offset, len(p))
	n, err := f.File.Write(p[:room])
	f.offset += int64(n)
	if err == nil && n < len(p) {
		err = &os.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	return n, err
}

// WriteAt implements vfs.File.
func (f *file) WriteAt(p []byte, offset int64) (int, error) {
	if err := f.fs.before(Op{Kind: Write, Name: f.name, Bytes: len(p)}); err != nil {
		return 0, err
	}
	room := f.fs.take(f.name, offset, len(p))
	n, err := f.File.WriteAt(p[:room], offset)
	if err == nil && n < len(p) {
		err = &os.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	return n, err
}

// Preallocate implements vfs.File.
func (f *file) Preallocate(offset, length int64) error {
	if room := f.fs.take(f.name, offset, int(length)); int64(room) < length {
		return &os.PathError{Op: "allocate", Path: f.name, Err: syscall.ENOSPC}
	}
	return f.File.Preallocate(offset, length)
}

// Read implements vfs.File.
func (f *file) Read(p []byte) (int, error) {
	if err := f.fs.before(Op{Kind: Read, Name: f.name, Bytes: len(p)}); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

// ReadAt implements vfs.File.
func (f *file) ReadAt(p []byte, offset int64) (int, error) {
	if err := f.fs.before(Op{Kind: Read, Name: f.name, Bytes: len(p)}); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, offset)
}

// Sync implements vfs.File.
func (f *file) Sync() error {
	if err := f.fs.before(Op{Kind: Sync, Name: f.name}); err != nil {
		return err
	}
	return f.File.Sync()
}

// SyncData implements vfs.File.
func (f *file) SyncData() error {
	if err := f.fs.before(Op{Kind: Sync, Name: f.name}); err != nil {
		return err
	}
	return f.File.SyncData()
}

// SyncTo implements vfs.File.
func (f *file) SyncTo(length int64) (bool, error) {
	if err := f.fs.before(Op{Kind: Sync, Name: f.name}); err != nil {
		return false, err
	}
	return f.File.SyncTo(length)
}
