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
	blobs   blobDir
	space   *space
	gate    gate

	workers  sync.WaitGroup // the stages of the journal, and work left behind by callers that gave up
	failed   chan struct{}  // closed when writing has stopped for good
	failOnce sync.Once
	failErr  error       // set before failed is closed
	broken   atomic.Bool // Pebble panicked and must not be touched again

	revision uint64 // the last one given out; only the apply stage uses it

	// mu guards what follows. It is never held while waiting for the disk.
	mu       sync.Mutex
	closed   bool
	calls    sync.WaitGroup // Add only under mu while not closed
	toApply  []*write
	toSync   []*write
	applying bool
	syncing  bool
	logs     map[store.LogID]*logState
	drops    map[uint64]chan struct{} // streams whose logs are being dropped; closed when done
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
		drops:   make(map[uint64]chan struct{}),
		overlay: make(overlay),
	}
	fs := o.FS
	dir := fs.PathJoin(o.Dir, "db")
	if err := makeDir(fs, dir); err != nil {
		return nil, err
	}
	if s.dirLock, err = pebble.LockDirectory(dir, fs); err != nil {
		return nil, fmt.Errorf("is another process using it? %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.dirLock.Close())
		}
	}()
	s.space = &space{}
	if s.blobs, err = openBlobDir(fs, fs.PathJoin(o.Dir, "blobs")); err != nil {
		return nil, err
	}
	options := pebbleOptions(o, fs, &pebbleLog{log: o.Log, fail: s.fail})
	options.Lock = s.dirLock
	if s.db, err = pebble.Open(dir, options); err != nil {
		return nil, readError(err)
	}
	if err = s.begin(); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	s.calls.Wait()
	s.workers.Wait()
	if again {
		return nil
	}
	var err error
	if !s.broken.Load() {
		err = s.db.Close()
	}
	if err = errors.Join(err, s.dirLock.Close()); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// enter notes a call under way; leave ends it.
func (s *Store) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
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

// makeDir makes a directory with its parents, and makes their names durable.
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
	if err := fs.MkdirAll(dir, 0o755); err != nil {
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
