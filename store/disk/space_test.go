package disk

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// interrupted is a file system that does something else before it removes a file.
type interrupted struct {
	vfs.FS
	before func()
}

func (i *interrupted) Remove(name string) error {
	i.before()
	return i.FS.Remove(name)
}

// TestBallastIsMadeAfterItIsGone looks at the free space just when the ballast is given up. A new one that was made then would
// go with the old, and be taken for there.
func TestBallastIsMadeAfterItIsGone(t *testing.T) {
	fs := &interrupted{FS: vfs.NewMem(), before: func() {}}
	sp := newSpace(Options{Dir: "", FS: fs, ReserveBytes: -1, BallastBytes: 1 << 20}.withDefaults())
	there := func() bool {
		_, err := fs.Stat(sp.path())
		return err == nil
	}
	if !sp.held || !there() {
		t.Fatal("no ballast")
	}
	fs.before = sp.check
	if !sp.relieve(true) || sp.held || there() || !sp.full {
		t.Errorf("after it was given up: held %v, there %v, full %v", sp.held, there(), sp.full)
	}
	sp.check()
	if !sp.held || !there() || sp.full {
		t.Errorf("with room: held %v, there %v, full %v", sp.held, there(), sp.full)
	}
}
