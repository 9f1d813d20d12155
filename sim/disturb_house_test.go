package sim

import (
	"errors"
	"time"

	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store/disk/faultfs"
)

func diskIsSlow(w *world, h *house) {
	d := time.Duration(1+w.random.IntN(500)) * time.Millisecond
	w.say("a sync takes %s", d)
	h.fs.Set(faultfs.Fault{Op: faultfs.Sync, File: "*.log", Delay: d})
	w.lasting("disk is slow", func(now *house) bool {
		if now == h {
			h.spin()
		}
		return true
	})
}

func diskIsFull(w *world, h *house) {
	h.w.mu.Lock()
	h.full = true
	h.w.mu.Unlock()
	h.fs.HideUsage(true)
	room := int64(w.random.IntN(20_000))
	w.say("the disk has room for %d bytes", room)
	h.fs.SetSize(h.fs.Used() + room)
	w.lasting("disk is full", func(now *house) bool {
		if now == h {
			h.fs.SetSize(0)
		}
		return true
	})
}

// diskFailsToSync lets the store end its writing. The program is started anew on what it finds.
func diskFailsToSync(w *world, h *house) {
	h.breakSync()
	w.pass(time.Duration(w.random.IntN(3000)) * time.Millisecond)
	h.die()
}

func powerFails(_ *world, h *house) { h.die() }

func powerFailsInTheDisk(w *world, h *house) { h.fuse.Store(int64(1 + w.random.IntN(60))) }

// powerFailsWhileOpening lets it fail, and once more as the next life opens the store and its rooms, or soon after.
func powerFailsWhileOpening(w *world, h *house) {
	w.fuse = int64(1 + w.random.IntN([]int{10, 60, 200}[w.random.IntN(3)]))
	h.die()
}

func powerFailsBeforeAnInvocation(w *world, h *house) {
	h.fuseBegins.Store(int64(1 + w.random.IntN(5)))
}

func powerFailsAfterAnInvocation(w *world, h *house) { h.fuseEnds.Store(int64(1 + w.random.IntN(5))) }

// programRestarts stops the program in order, while all that it is given to do goes on, and starts it again.
func programRestarts(w *world, h *house) {
	w.mu.Lock()
	unfit := h.full || h.troubled || h.down
	w.mu.Unlock()
	if unfit {
		return // then it does not stop in order
	}
	w.cureSlow(h)
	w.leave(false)
	mem := h.stop()
	if h.isDown() { // a fuse was burning
		w.leave(true)
		mem = h.clone
	}
	w.start(mem)
}

// cureSlow gives the disk its usual speed, so that a stop in order is one.
func (w *world) cureSlow(h *house) { h.spin() }

func clockJumps(w *world, _ *house) {
	d := time.Duration(w.random.IntN(120)) * time.Second
	if w.chance(30) {
		d = time.Duration(w.random.IntN(12*60)) * time.Minute
	}
	w.say("the clock jumps by %s", d)
	w.clock.jump(d)
}

// queueIsGone deletes the queue with what it holds.
func queueIsGone(w *world, h *house) {
	err := h.queues.Delete(h.ctx, w.queue)
	if err != nil && !h.excused(err, queue.ErrNotFound) {
		w.failf("delete the queue: %v", err)
	}
	w.mu.Lock()
	for _, d := range w.documents {
		d.lost = true // also one that is being sent
	}
	w.mu.Unlock()
	w.lasting("queue is gone", w.createQueue)
}

func (w *world) createQueue(h *house) bool {
	return w.insist(h, func() error {
		err := h.queues.Create(h.ctx, w.queue, nil, nil)
		if errors.As(err, new(*queue.ExistsError)) {
			return nil
		}
		return err
	}, queue.ErrDeletedRecently)
}
