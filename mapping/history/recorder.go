package history

import (
	"slices"
	"sync"
	"time"
)

// Recorder holds the trails of all mappings within a number of bytes, beside those of batches at work. When there are
// more, those mappings lose their oldest trails that have more than their share. Its methods, and those of its logs and
// trails, may be called at the same time from many goroutines.
type Recorder struct {
	limit int64

	mu    sync.Mutex
	logs  map[string]*Log
	bytes int64
}

// NewRecorder returns a recorder that holds about so many bytes, and none of what is over for 0.
func NewRecorder(limit int64) *Recorder { return &Recorder{limit: limit, logs: map[string]*Log{}} }

// Log holds the trails of one mapping.
type Log struct {
	recorder *Recorder

	// Guarded by the recorder's mutex.
	trails  []*Trail // in order of their ids
	bytes   int64
	last    ID
	dropped bool
}

// Log returns the log of the named mapping, which is made when it is asked for first.
func (r *Recorder) Log(mapping string) *Log {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.logs[mapping]
	if l == nil {
		l = &Log{recorder: r}
		r.logs[mapping] = l
	}
	return l
}

// Drop forgets the log of a mapping.
func (r *Recorder) Drop(mapping string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.logs[mapping]; l != nil {
		r.bytes -= l.bytes
		for _, t := range l.trails {
			t.held = false
		}
		l.trails, l.bytes, l.dropped = nil, 0, true
		delete(r.logs, mapping)
	}
}

// Bytes returns about how many bytes the trails take, without those of batches at work.
func (r *Recorder) Bytes() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes
}

// Begin opens the trail of a batch. The id, the outcome and what else happens to it are not the caller's to set.
func (l *Log) Begin(b Batch) *Trail {
	l.recorder.mu.Lock()
	defer l.recorder.mu.Unlock()
	return l.begin(b, b.Gathered)
}

// begin opens a trail; the caller holds the mutex.
func (l *Log) begin(b Batch, now time.Time) *Trail {
	l.last = after(l.last, now)
	b.ID, b.Outcome = l.last, OutcomeWorking
	t := &Trail{log: l, batch: b}
	t.batch.Attempts = t.room[:0]
	if l.recorder.limit > 0 && !l.dropped {
		t.held = true
		l.trails = append(l.trails, t)
	}
	return t
}

// sweep lets go of trails when there are too many, and of some more, so that it need not be done again at once. The
// caller holds the mutex.
func (r *Recorder) sweep() {
	if r.bytes <= r.limit {
		return
	}
	goal := r.limit - r.limit/8
	share := goal / int64(len(r.logs))
	for _, l := range r.logs {
		if l.bytes > share && r.bytes > goal {
			l.shrink(max(share, l.bytes-(r.bytes-goal)))
		}
	}
}

// shrink lets go of the oldest trails that are over, until the log has no more than so many bytes.
func (l *Log) shrink(to int64) {
	before := l.bytes
	l.trails = slices.DeleteFunc(l.trails, func(t *Trail) bool {
		if l.bytes <= to || t.batch.Outcome == OutcomeWorking {
			return false
		}
		l.bytes -= t.size
		t.held, t.size = false, 0
		return true
	})
	l.recorder.bytes -= before - l.bytes
}

// Query chooses batches.
type Query struct {
	ShardID string    // "" for any
	Outcome Outcome   // "" for any
	Since   time.Time // only those that were gathered then or later
	Before  ID        // only those with lower ids; 0 for any
	Limit   int       // at most so many
}

func (q *Query) matches(b *Batch) bool {
	return (q.ShardID == "" || q.ShardID == b.ShardID) && (q.Outcome == "" || q.Outcome == b.Outcome) && !b.Gathered.Before(q.Since)
}

// List returns the batches that match, the latest first, and whether there are more.
func (l *Log) List(q Query) (found []Batch, more bool) {
	l.recorder.mu.Lock()
	defer l.recorder.mu.Unlock()
	for _, t := range slices.Backward(l.trails) {
		if q.Before != 0 && t.batch.ID >= q.Before || !q.matches(&t.batch) {
			continue
		}
		if len(found) == q.Limit {
			return found, true
		}
		found = append(found, t.batch.clone())
	}
	return found, false
}

// Get returns one batch, and whether it is still remembered.
func (l *Log) Get(id ID) (Batch, bool) {
	l.recorder.mu.Lock()
	defer l.recorder.mu.Unlock()
	i, found := slices.BinarySearchFunc(l.trails, id, func(t *Trail, id ID) int {
		switch {
		case t.batch.ID < id:
			return -1
		case t.batch.ID > id:
			return 1
		}
		return 0
	})
	if !found {
		return Batch{}, false
	}
	return l.trails[i].batch.clone(), true
}
