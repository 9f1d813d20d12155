package faultfs

import (
	"github.com/cockroachdb/pebble/v2/vfs"
)

// disk keeps the books of a disk of limited size.
type disk struct {
	size   int64 // bytes; 0 is without limit
	hidden bool
	used   int64
	bytes  map[string]int64 // by file name, what it holds or has set aside
}

// SetSize gives the disk so many bytes; 0 takes the limit away. A disk may be made smaller than what it holds.
func (fs *FS) SetSize(bytes int64) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.disk.size = bytes
}

// HideUsage makes the free space unknown to those who ask, as behind a quota; writes fail all the same.
func (fs *FS) HideUsage(hidden bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.disk.hidden = hidden
}

// Used returns the bytes that files hold or have set aside.
func (fs *FS) Used() int64 {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.disk.used
}

// GetDiskUsage implements vfs.FS.
func (fs *FS) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	fs.mu.Lock()
	size, used, hidden := fs.disk.size, fs.disk.used, fs.disk.hidden
	fs.mu.Unlock()
	if hidden {
		return vfs.DiskUsage{}, vfs.ErrUnsupported
	}
	if size == 0 {
		return fs.FS.GetDiskUsage(path)
	}
	return vfs.DiskUsage{TotalBytes: uint64(size), UsedBytes: uint64(used), AvailBytes: uint64(max(size-used, 0))}, nil
}

// take uses room for n bytes of a file from the offset on, and returns how many of them there is room for.
func (fs *FS) take(name string, offset int64, n int) int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	has := fs.disk.bytes[name]
	grow := max(offset+int64(n)-has, 0)
	if fs.disk.size > 0 {
		if over := grow - max(fs.disk.size-fs.disk.used, 0); over > 0 {
			grow -= over
			n = max(n-int(over), 0) // a file with room set aside may still write there
		}
	}
	fs.disk.bytes[name] = has + grow
	fs.disk.used += grow
	return n
}

// create reports whether there is room for a new file.
func (fs *FS) create(name string) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.disk.used -= fs.disk.bytes[name]
	fs.disk.bytes[name] = 0
	return fs.disk.size == 0 || fs.disk.used < fs.disk.size
}

func (fs *FS) remove(name string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.disk.used -= fs.disk.bytes[name]
	delete(fs.disk.bytes, name)
}

func (fs *FS) rename(oldname, newname string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.disk.used -= fs.disk.bytes[newname]
	fs.disk.bytes[newname] = fs.disk.bytes[oldname]
	delete(fs.disk.bytes, oldname)
}
