package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/faultfs"
	"github.com/millrace/millrace/stream"
)

// house is one life of the program, from its start to its end, over a disk that outlives it.
type house struct {
	w     *world
	epoch int
	mem   *vfs.MemFS
	fs    *faultfs.FS
	store *disk.Store

	streams   *stream.Service
	queues    *queue.Service
	functions *function.Service
	mappings  *mapping.Service
	executor  *executor

	ctx       context.Context // of those who call the rooms from outside
	hangUp    context.CancelFunc
	residents []*resident

	fuse       atomic.Int64 // operations of the disk until the power fails; 0 for never
	fuseBegins atomic.Int64 // the same in invocations that begin
	fuseEnds   atomic.Int64 // and in invocations that end

	dead chan struct{} // closed when the power has failed

	// Guarded by the world's mutex.
	down     bool       // the power has failed: whatever happens in this life has not happened
	clone    *vfs.MemFS // what is then left of the disk
	troubled bool       // the disk has failed, and calls may end with any error
	full     bool       // the disk may be full
}

// resident is a room that runs.
type resident struct {
	name string
	end  context.CancelFunc
	done chan error
}

// openHouse starts the program on a disk.
func openHouse(w *world, mem *vfs.MemFS) *house {
	w.t.Helper()
	h := &house{w: w, epoch: w.nextEpoch(), mem: mem, fs: faultfs.New(mem), dead: make(chan struct{})}
	h.ctx, h.hangUp = context.WithCancel(context.Background())
	h.executor = &executor{h: h}
	h.fs.Watch(h.watch)
	h.fuse.Store(w.fuse)
	w.fuse = 0
	w.check(h.build())
	if !h.isDown() {
		w.adopt(h)
		w.weigh(h)
	}
	h.spin()
	h.run("streams", h.streams.Run)
	h.run("queues", h.queues.Run)
	h.run("functions", h.functions.Run)
	h.run("mappings", h.mappings.Run)
	return h
}

// build makes the rooms as the server does.
func (h *house) build() (err error) {
	w, log := h.w, slog.New(slog.DiscardHandler)
	// Trims do not begin new logs by themselves: the engine waits for the disk then with a mutex that others wait for.
	options := disk.Options{Dir: "/data/store", FS: h.fs, MemtableBytes: 256 << 10, ReserveBytes: -1, BallastBytes: -1, TrimDelay: -1}
	if h.store, err = disk.Open(options); err != nil {
		return err
	}
	h.streams, err = stream.New(stream.Config{
		Store: h.store, Clock: w.clock, Log: log, TransitionDelay: w.traits.delay, TailBytes: w.traits.tail,
	})
	if err != nil {
		return err
	}
	h.functions, err = function.New(function.Config{
		Store: h.store, Clock: w.clock, Log: log, Executor: h.executor, TransitionDelay: w.traits.delay,
		Concurrency: w.traits.concurrency, MaxInstances: w.traits.concurrency + 2, CodeDir: w.folder,
	})
	if err != nil {
		return err
	}
	if h.queues, err = queue.New(context.Background(), queue.Config{Store: h.store, Clock: w.clock, Log: log}); err != nil {
		return err
	}
	h.mappings, err = mapping.New(mapping.Config{
		Store: h.store, Clock: w.clock, Log: log, TransitionDelay: w.traits.delay, BufferBytes: w.traits.buffer,
		Source: &source{Service: h.streams, h: h}, Consumers: consumers{h.streams, h}, Invoker: &invoker{Service: h.functions, h: h}, Destination: &destination{h},
	})
	return err
}

func (h *house) run(name string, run func(context.Context) error) {
	ctx, end := context.WithCancel(context.Background())
	r := &resident{name: name, end: end, done: make(chan error, 1)}
	h.residents = append(h.residents, r)
	go func() { r.done <- run(ctx) }()
}

// spin gives the disk its usual speed. It has none while the engine opens and closes: that holds a mutex meanwhile, and
// as long as others wait for a mutex virtual time does not pass.
func (h *house) spin() {
	h.fs.Set(faultfs.Fault{Op: faultfs.Sync, File: "*.log", Delay: h.w.traits.sync})
}

// watch sees every operation of the disk before it is done.
func (h *house) watch(op faultfs.Op) {
	sum := fnv.New64a()
	fmt.Fprint(sum, h.w.trace.Load(), time.Since(h.w.began), op, op.Bytes)
	h.w.trace.Store(sum.Sum64())
	if op.Kind == faultfs.Open || op.Kind == faultfs.Read {
		return
	}
	burn(&h.fuse, h)
}

// burn lets the power fail when the count comes to nothing.
func burn(fuse *atomic.Int64, h *house) {
	if fuse.Load() > 0 && fuse.Add(-1) == 0 {
		h.die()
	}
}

// die lets the power fail at this very moment. What was not synced is lost, or kept in part.
func (h *house) die() {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	if h.down {
		return
	}
	random := rand.New(rand.NewPCG(h.w.seed, uint64(h.epoch)))
	h.clone = h.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[random.IntN(3)], RNG: random})
	h.down = true
	close(h.dead)
	h.w.note("the power fails")
}

// bury ends what goes on in a house whose power has failed, and returns the disk.
func (h *house) bury() *vfs.MemFS {
	h.heal()
	h.hangUp()
	for _, r := range h.residents {
		r.end()
	}
	for _, r := range h.residents {
		<-r.done
	}
	h.fs.Set()
	_ = h.store.Close()
	return h.clone
}

// stop ends the program in order, from the street inwards, and returns the disk.
func (h *house) stop() *vfs.MemFS {
	h.hangUp()
	for i := len(h.residents) - 1; i >= 0; i-- {
		r := h.residents[i]
		r.end()
		if err := <-r.done; err != nil {
			h.w.failf("%s ended with %v", r.name, err)
		}
		if n := h.mappings.Buffered(); r.name == "mappings" && n != 0 {
			h.w.failf("lanes that have stopped hold %d bytes", n)
		}
	}
	if n := h.executor.running.Load(); n != 0 {
		h.w.failf("%d instances are left", n)
	}
	h.fs.Set()
	if err := h.store.Close(); err != nil {
		h.w.failf("close the store: %v", err)
	}
	return h.mem
}

// heal takes all faults from the disk, but for those that it cannot recover from.
func (h *house) heal() {
	h.spin()
	h.fs.SetSize(0)
}

// excused reports whether a call from outside may have ended so: the house stops, the power failed, the disk was in trouble, or one of
// the errors is what it should answer.
func (h *house) excused(err error, allowed ...error) bool {
	for _, a := range allowed {
		if errors.Is(err, a) {
			return true
		}
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	return h.down || h.troubled || h.full || h.ctx.Err() != nil
}

// isDown reports whether the power has failed.
func (h *house) isDown() bool {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	return h.down
}

// breakSync lets a sync of the log fail, after which the store takes no writes before it is opened again.
func (h *house) breakSync() {
	h.w.mu.Lock()
	h.troubled = true
	h.w.mu.Unlock()
	h.fs.Set(faultfs.Fault{Op: faultfs.Sync, File: "*.log", Times: 1, Err: syscall.EIO, Delay: time.Millisecond})
}
