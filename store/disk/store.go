package disk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

var _ store.Store = (*Store)(nil)

// Store is the embedded engine.
type Store struct {
	db      *pebble.DB
	dirLock *pebble.Lock
	log     *slog.Logger
	fs      vfs.FS // the one below the guard
	dir     string
	guard   *guard
	space   *space
	blobs   blobDir
	gate    gate

	workers sync.WaitGroup // the stages of the journal, and work left behind by callers that gave up
	broken  atomic.Bool    // Pebble panicked and must not be touched again

	failOnce  sync.Once
	failed    chan struct{} // closed when writing has stopped for good
	failCause error         // why; set before failed is closed
	failErr   error         // what writes are answered with

	revision uint64        // the last one given out; only the apply stage uses it
	applied  uint64        // number of the last write handed to Pebble; only the apply stage uses it
	durable  atomic.Uint64 // number of the last write that is durable

	// mu guards what follows. It is never held while waiting for the disk.
	mu       sync.Mutex
	closed   bool
	calls    sync.WaitGroup // Add only under mu while not closed
	toApply  []*write
	toSync   []*round
	unsynced int // rounds that are applied and not durable yet
	applying bool
	syncing  bool
	logs     map[store.LogID]*logState
	dropped  map[uint64]int // streams whose logs are dropped, but not deleted yet
	overlay  overlay
}

// Open opens the store in a directory, and makes it when there is none.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	s, err := open(o)
	if err != nil {
		return nil, fmt.Errorf("open the store in %s: %w", o.Dir, err)
	}
	return s, nil
}

func open(o Options) (_ *Store, err error) {
	s := &Store{
		log:     o.Log,
		gate:    gate{limit: maxBytesUnderWay},
		failed:  make(chan struct{}),
		logs:    make(map[store.LogID]*logState),
		dropped: make(map[uint64]int),
		overlay: make(overlay),
	}
	s.fs, s.dir = o.FS, o.Dir
	if err := makeDir(s.fs, s.dbDir()); err != nil {
		return nil, err
	}
	if s.dirLock, err = pebble.LockDirectory(s.dbDir(), s.fs); err != nil {
		return nil, fmt.Errorf("is another process using it? %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.dirLock.Close())
		}
	}()
	if err := s.checkFiles(); err != nil {
		return nil, err
	}
	if s.blobs, err = openBlobDir(s.fs, s.fs.PathJoin(s.dir, "blobs")); err != nil {
		return nil, err
	}
	s.space = newSpace(o)
	s.guard = newGuard(o, s.space.relieve, func(err error) { _ = s.fail(err) })
	s.space.stuck = s.guard.isStuck
	options := pebbleOptions(o, s.guard, &pebbleLog{log: o.Log, fail: s.fail})
	options.Lock = s.dirLock
	s.db, err = pebble.Open(s.dbDir(), options)
	if err == nil {
		err = s.begin()
	}
	if err != nil || s.failure() != nil {
		return nil, s.undoOpen(err)
	}
	s.guard.opened.Store(true)
	return s, nil
}

// undoOpen closes what a failed opening left open, and returns why it failed.
func (s *Store) undoOpen(err error) error {
	if s.failure() != nil {
		err = s.failCause // Pebble was told that all went well: the rest follows from that
	}
	s.guard.close()
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	if isFull(err) {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return readError(err)
}

func (s *Store) dbDir() string { return s.fs.PathJoin(s.dir, "db") }

// Close implements store.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if !again {
		s.guard.close()
	}
	s.calls.Wait()
	s.workers.Wait()
	if again {
		return nil
	}
	if err := errors.Join(s.closeDB(), s.dirLock.Close()); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// closeDB ends Pebble, after writing out what only its log holds: so that opening again is quick, and because only
// what is written out is checked in every byte. The end of a log that lost a byte looks like one torn by a crash.
func (s *Store) closeDB() error {
	if s.broken.Load() {
		return nil // Pebble may wait for itself for ever; it goes with the process
	}
	if s.failure() != nil {
		return s.db.Close()
	}
	if err := errors.Join(s.db.Flush(), s.db.Close()); err != nil {
		return err
	}
	if s.failure() != nil {
		return nil
	}
	return s.markClosed()
}

// enter notes a call under way; leave ends it.
func (s *Store) enter(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.calls.Add(1)
	return nil
}

func (s *Store) leave() { s.calls.Done() }

// await runs work that waits for the disk and cannot be stopped, and returns when it is done or the context ends. Work
// that is left behind goes on; Close waits for it.
func (s *Store) await(ctx context.Context, work func() error) error {
	done := make(chan error, 1)
	s.workers.Add(1) // inside a call under way, so before Close waits
	go func() {
		defer s.workers.Done()
		done <- work()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// makeDir makes a directory with its parents, and makes their names durable. They are for their owner alone, whatever the folder
// is in which they lie: keys and records are in the files.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, parent)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
