package runtime

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// buffering says how much is sent at one time.
type buffering struct {
	MaxItems  int `json:"maxItems"`
	MaxBytes  int `json:"maxBytes"`
	TimeoutMs int `json:"timeoutMs"`
}

// subscriber is told telemetry in batches. What comes while one is sent is kept for the next, up to a bound; what is above is
// dropped and counted, and the subscriber is told how much that was. Sending has no time limit of its own: a listener that is
// frozen with its environment goes on with it.
type subscriber struct {
	api          telemetryAPI
	name, schema string
	types        map[string]bool
	limits       buffering
	send         func(ctx context.Context, events [][]byte) error
	ctx          context.Context
	cancel       context.CancelFunc

	mu      sync.Mutex
	pending [][]byte
	bytes   int
	first   time.Time     // when the oldest of them came
	hurry   bool          // they are to be sent now
	wake    chan struct{} // holds one
	waiters []chan struct{}
	dropped struct{ records, bytes int }
}

// offer takes a document.
func (s *subscriber) offer(document []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) > 0 && (s.bytes+len(document) > 2*s.limits.MaxBytes || len(s.pending) >= 2*s.limits.MaxItems) {
		s.drop(document)
		return
	}
	s.put(document)
}

func (s *subscriber) put(document []byte) {
	if s.pending = append(s.pending, document); len(s.pending) == 1 {
		s.first = time.Now()
	}
	s.bytes += len(document)
	if len(s.pending) == 1 || s.full() {
		s.rouse()
	}
}

func (s *subscriber) drop(documents ...[]byte) {
	for _, d := range documents {
		s.dropped.records++
		s.dropped.bytes += len(d)
	}
}

func (s *subscriber) full() bool {
	return len(s.pending) >= s.limits.MaxItems || s.bytes >= s.limits.MaxBytes
}

func (s *subscriber) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// flush has what there is sent now. The channel is closed when it is, or cannot be.
func (s *subscriber) flush() <-chan struct{} {
	done := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		close(done)
		return done
	}
	s.hurry = true
	s.waiters = append(s.waiters, done)
	s.rouse()
	return done
}

// run sends batches until the subscription ends.
func (s *subscriber) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		batch, wait := s.take()
		if batch != nil {
			err := s.send(s.ctx, batch)
			if s.ctx.Err() != nil {
				return
			}
			s.settle(batch, err)
			continue
		}
		timer.Reset(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-s.ctx.Done():
			return
		}
	}
}

// take returns the next batch, or how long it has time.
func (s *subscriber) take() (batch [][]byte, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		s.hurry = false
		for _, w := range s.waiters {
			close(w)
		}
		s.waiters = nil
		return nil, time.Hour
	}
	wait = time.Until(s.first.Add(time.Duration(s.limits.TimeoutMs) * time.Millisecond))
	if !s.full() && !s.hurry && wait > 0 {
		return nil, wait
	}
	n, size := 0, 0
	for n < len(s.pending) && n < s.limits.MaxItems && (n == 0 || size+len(s.pending[n]) <= s.limits.MaxBytes) {
		size += len(s.pending[n])
		n++
	}
	batch, s.pending = s.pending[:n:n], s.pending[n:]
	if s.bytes -= size; len(s.pending) == 0 {
		s.pending = nil
	}
	s.first = time.Now()
	return batch, 0
}

// settle notes what became of a batch. One who has taken it is told what was dropped before.
func (s *subscriber) settle(batch [][]byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.drop(batch...)
		s.hurry = false // who does not listen is not waited for
		return
	}
	dropped := s.dropped
	s.dropped = struct{ records, bytes int }{}
	if dropped.records > 0 && s.types["platform"] {
		s.put(fmt.Appendf(nil, `{"time":"%s","type":"platform.logsDropped","record":{"reason":"%s","droppedRecords":%d,"droppedBytes":%d}}`,
			time.Now().UTC().Format(telemetryTime), droppedReason, dropped.records, dropped.bytes))
	}
}

// droppedReason is AWS's.
const droppedReason = "Some logs were dropped because the downstream consumer is slower than the logs production rate"
