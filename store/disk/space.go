package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// space keeps the store from hurting itself on a full disk, in two lines of defence.
//
// The reserve: below so much free space, writes are refused with ErrFull. What is taken in already, flushes and
// compactions then still have room, and so has everything that frees some.
//
// The ballast: a file that only holds space. Other programs can eat the reserve, and quotas do not show in the free
// space, so a write may find no room all the same. Then the ballast is given up, that write and those behind it pass,
// and new ones are refused until there is room to make the ballast again.
type space struct {
	fs      vfs.FS
	dir     string
	log     *slog.Logger
	reserve uint64 // bytes; 0 switches the first line off
	ballast int64  // bytes; 0 switches the second line off
	retry   time.Duration
	stuck   func() bool // a write waits for room

	mu       sync.Mutex
	low      bool // free space is below the reserve
	full     bool // a write found no room
	raised   int  // how often a write found no room
	held     bool // the ballast is there
	giving   bool // it is being given up, and none is made meanwhile
	checking bool
	checked  time.Time
	written  int64 // bytes taken in since
}

const (
	maxReserve    = 256 << 20
	reserveShare  = 16 // of the disk
	maxBallast    = 64 << 20
	ballastShare  = 64 // of the disk
	ballastName   = "ballast"
	checkInterval = time.Second
	// checkShare is the part of the reserve that may be written before the next check.
	checkShare = 8
)

func newSpace(o Options) *space {
	sp := &space{fs: o.FS, dir: o.Dir, log: o.Log, retry: o.RetryInterval, stuck: func() bool { return false }}
	usage, err := o.FS.GetDiskUsage(o.Dir)
	if err == nil {
		sp.reserve = min(maxReserve, usage.TotalBytes/reserveShare)
		sp.ballast = int64(min(maxBallast, usage.TotalBytes/ballastShare))
	}
	if o.ReserveBytes != 0 {
		sp.reserve = uint64(max(o.ReserveBytes, 0))
	}
	if o.BallastBytes != 0 {
		sp.ballast = max(o.BallastBytes, 0)
	}
	if _, err := o.FS.Stat(sp.path()); err == nil {
		sp.held = true
	}
	sp.check()
	return sp
}

func (sp *space) path() string { return sp.fs.PathJoin(sp.dir, ballastName) }

// admit takes in a write of so many bytes, or refuses it with ErrFull.
func (sp *space) admit(bytes int64) error {
	sp.mu.Lock()
	sp.written += bytes
	refusing := sp.low || sp.full
	interval := checkInterval
	if refusing {
		interval = sp.retry
	}
	due := time.Since(sp.checked) >= interval || sp.reserve > 0 && sp.written >= int64(sp.reserve/checkShare)
	due = due && !sp.checking
	sp.mu.Unlock()
	if due {
		sp.check()
	}

	sp.mu.Lock()
	defer sp.mu.Unlock()
	switch {
	case sp.full:
		return fmt.Errorf("%w: a write to %s found no room", store.ErrFull, sp.dir)
	case sp.low:
		return fmt.Errorf("%w: less than %d MiB are free in %s", store.ErrFull, sp.reserve>>20, sp.dir)
	default:
		return nil
	}
}

// admitRelief takes in a write that frees space. It is refused only when the log itself waits for room.
func (sp *space) admitRelief() error {
	if sp.stuck() {
		return fmt.Errorf("%w: a write to %s found no room", store.ErrFull, sp.dir)
	}
	return nil
}

// check looks at the free space and judges anew.
func (sp *space) check() {
	sp.mu.Lock()
	if sp.checking {
		sp.mu.Unlock()
		return
	}
	sp.checking = true
	full, raised, held, giving := sp.full, sp.raised, sp.held, sp.giving
	sp.mu.Unlock()

	free := ^uint64(0)
	if usage, err := sp.fs.GetDiskUsage(sp.dir); err == nil {
		free = usage.AvailBytes
	}
	low := free < sp.reserve
	made := !held && !giving && sp.ballast > 0 && !sp.stuck() && free >= sp.reserve+uint64(sp.ballast) && sp.makeBallast()
	over := full && !low && !sp.stuck() && (held || made || sp.ballast == 0)

	sp.mu.Lock()
	defer sp.mu.Unlock()
	was := sp.low || sp.full
	sp.low = low
	sp.held = sp.held || made
	if over && raised == sp.raised {
		sp.full = false // unless another write found no room meanwhile
	}
	if now := sp.low || sp.full; now != was {
		sp.log.Warn("store: free space", "dir", sp.dir, "free_mib", free>>20, "refusing_writes", now)
	}
	sp.checking, sp.checked, sp.written = false, time.Now(), 0
}

// relieve is told that a write found no room. From here on writes are refused until there is some. If spend is set, the
// ballast is given up for it; relieve reports whether there was one.
func (sp *space) relieve(spend bool) bool {
	sp.mu.Lock()
	spend = spend && sp.held
	sp.full = true
	sp.held, sp.giving = sp.held && !spend, sp.giving || spend
	sp.raised++
	sp.mu.Unlock()
	if !spend {
		return false
	}
	err := sp.fs.Remove(sp.path())
	sp.mu.Lock()
	sp.giving = false
	sp.mu.Unlock()
	sp.log.Warn("store: the disk is full, gave up the ballast", "dir", sp.dir, "mib", sp.ballast>>20, "err", err)
	return err == nil
}

// makeBallast fills the ballast and reports whether there was room.
func (sp *space) makeBallast() bool {
	err := sp.fillBallast()
	if err == nil {
		return true
	}
	if removeErr := sp.fs.Remove(sp.path()); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	sp.log.Debug("store: cannot make the ballast", "dir", sp.dir, "err", err)
	return false
}

func (sp *space) fillBallast() error {
	f, err := sp.fs.Create(sp.path(), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err := f.Preallocate(0, sp.ballast); err != nil {
		if isFull(err) {
			return errors.Join(err, f.Close())
		}
		// Not every file system can set space aside; then it is filled.
		zeros := make([]byte, 1<<20)
		for left := sp.ballast; left > 0; left -= int64(len(zeros)) {
			if _, err := f.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
				return errors.Join(err, f.Close())
			}
		}
	}
	return f.Close()
}
