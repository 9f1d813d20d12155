package mapping

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/stream"
)

const (
	// laneBytes is what a lane's queue may hold, in bytes of memory, before it takes no further chunk: more than the
	// largest event needs. laneBytesMin is what it may hold whatever all others hold.
	laneBytes    = 8 << 20
	laneBytesMin = smallChunkBytes
	// recordOverhead is about what a record takes in memory beside its bytes.
	recordOverhead = 112
)

// memory returns what records take in memory, in bytes.
func memory(records []stream.Record) int64 {
	n := len(records) * recordOverhead
	for i := range records {
		n += len(records[i].Data) + len(records[i].PartitionKey)
	}
	return int64(n)
}

// hasRoom reports whether the lane takes another chunk: when it has nearly nothing, or not yet two batches and memory is
// not short. The caller holds the mutex.
func (l *lane) hasRoom() bool {
	if l.queued < laneBytesMin {
		return true
	}
	return l.queued < laneBytes && len(l.queue) < 2*l.r.terms.row.Settings.BatchSize && !l.r.s.pressed()
}

// push adds a record to the queue; the caller holds the mutex.
func (l *lane) push(record *stream.Record) {
	l.queue = append(l.queue, *record)
	size := int64(len(record.Data) + len(record.PartitionKey) + recordOverhead)
	l.held++
	l.queued += size
	l.bytes += size
	l.r.s.buffered.Add(size)
}

// signal wakes a lane that waits for its batch to grow.
func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// gather waits until a batch is due and takes it from the queue. It returns false when there are no records, and the
// lane is no longer running then, or when ctx has ended.
//
// A batch is due when it is full, when its window has elapsed, or when nothing can be added to it: because the shard
// has ended, or because the lane holds all it may.
func (l *lane) gather(ctx context.Context) (batch, bool) {
	role := l.lookUpRole(ctx)
	due := l.windowEnd()
	var timer clockwork.Timer
	grown := fill{}
	for ctx.Err() == nil {
		queue, closed := l.peek()
		if len(queue) == 0 {
			break
		}
		if grown.n == 0 {
			grown.window = l.windowFor(&queue[0])
			due = grown.due(due)
		}
		full := grown.extend(queue, l.r.terms.row.Settings.BatchSize, l.r.form, role)
		left := due.Sub(l.r.s.config.Clock.Now())
		if full || closed || left <= 0 {
			return l.take(grown), true
		}
		if timer == nil {
			l.does(doing{what: history.WaitBatchingWindow, until: due})
			timer = l.r.s.config.Clock.NewTimer(left)
			defer timer.Stop()
		}
		select {
		case <-l.wake:
		case <-timer.Chan():
		case <-ctx.Done():
		}
	}
	return batch{}, false
}

// peek returns the queue, and whether it grows no further before something is taken from it. With an empty queue the
// lane stops running: that is decided here, under the mutex, so that the next record starts it again.
func (l *lane) peek() (queue []stream.Record, closed bool) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	if len(l.queue) == 0 {
		l.running = false
		l.doing.Store(nil)
	}
	return l.queue, l.ended || !l.hasRoom()
}

// take makes the front of the queue a batch.
func (l *lane) take(f fill) batch {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	n := f.n
	taken := l.queue[:n:n]
	l.queued -= memory(taken)
	if l.queue = l.queue[n:]; len(l.queue) == 0 {
		l.queue = nil
	}
	l.r.notify()
	return batch{records: taken, size: f.size}
}

// windowEnd returns when the batching window ends that is open now. A window begins when the invocation before has
// ended; one that ends without a record is followed by the next.
func (l *lane) windowEnd() time.Time {
	length := l.r.terms.row.Settings.window()
	if length == 0 {
		return time.Time{}
	}
	if past := l.r.s.config.Clock.Since(l.gathering); past >= length {
		l.gathering = l.gathering.Add(past.Truncate(length))
	}
	return l.gathering.Add(length)
}

// lookUpRole returns the role that the function runs as, or ran as when it was last there.
func (l *lane) lookUpRole(ctx context.Context) string {
	if f, err := l.r.s.config.Invoker.Find(ctx, l.r.terms.function); err == nil {
		l.role = f.Role
	}
	return l.role
}

// fill is how far a batch has grown.
type fill struct {
	n      int       // records
	size   int       // bytes of the event with them
	window *tumbling // that all of them are part of, or nil
}

// due returns when the batch is to be sent that would be sent at a time if nothing could be added to its window: by
// then nothing can.
func (f *fill) due(at time.Time) time.Time {
	if f.window == nil {
		return at
	}
	if end := f.window.end().Add(windowLag); end.Before(at) {
		return end
	}
	return at
}

// extend lets the batch grow over the queue, of which it is the front, and reports whether it is full: it has the most
// records it may have, the event could not hold the next one, or that one is of another window.
func (f *fill) extend(queue []stream.Record, most int, form *eventForm, role string) bool {
	if f.n == 0 {
		f.size = len(eventHead) + form.tailSize(f.window) - 1 // the first record has no comma before it
	}
	for f.n < min(len(queue), most) {
		if f.window != nil && !f.window.holds(queue[f.n].Arrival) {
			return true
		}
		size := form.size(&queue[f.n], role) + 1
		if f.n > 0 && f.size+size > maxEvent {
			return true
		}
		f.n++
		f.size += size
	}
	return f.n == most
}
