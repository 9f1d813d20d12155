package sim

import (
	"errors"
	"time"

	"github.com/millrace/millrace/stream"
)

// streamIsMadeAgain deletes a stream with all that it holds and makes one of its name, which mappings read from their starting
// position.
func streamIsMadeAgain(w *world, h *house) {
	i := w.random.IntN(len(w.streams))
	if w.isDying(i) {
		return
	}
	w.mu.Lock()
	w.dying[i] = true
	w.mu.Unlock()
	for range 100 {
		if w.putsTo(i) == 0 || h.isDown() {
			break
		}
		w.pass(10 * time.Millisecond)
	}
	w.mu.Lock()
	if w.puts[i] > 0 { // the disk is full, or slow: another time
		w.dying[i] = false
		w.mu.Unlock()
		return
	}
	w.forget(i)
	w.mu.Unlock()
	shards := 1 + w.random.IntN(3)
	w.lasting(streamLabel(i)+" is gone", func(h *house) bool { return w.makeAgain(h, i, shards) })
	w.deleteStream(h, i)
}

func (w *world) putsTo(i int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.puts[i]
}

// forget drops what was known of a stream's records; the mutex is held.
func (w *world) forget(i int) {
	for _, r := range w.records {
		if r.stream == i {
			r.gone = true
		}
	}
	w.shards[i], w.parents[i] = map[uint32][]*record{}, map[uint32][2]int64{}
	w.horizons[i] = horizon{retention: stream.DefaultRetention}
	for _, l := range w.links {
		if l.stream == i {
			l.from, l.to, l.stranded = time.Now(), time.Time{}, l.stranded || l.consumer.Name != ""
		}
	}
}

// deleteStream asks for it. Whether it was done is found out by makeAgain.
func (w *world) deleteStream(h *house, i int) {
	err := h.streams.DeleteWithConsumers(h.ctx, w.streams[i])
	w.say("delete %s: %v", streamLabel(i), err)
	if err != nil && !h.excused(err) && !errors.As(err, new(*stream.StateError)) && !errors.As(err, new(*stream.NotFoundError)) {
		w.failf("delete %s: %v", streamLabel(i), err)
	}
}

// makeAgain makes the stream when the one before has gone, and reports whether it is there.
func (w *world) makeAgain(h *house, i, shards int) bool {
	before, found := w.numberOf(h, i)
	return w.insist(h, func() error {
		st, err := h.streams.Describe(h.ctx, w.streams[i])
		switch {
		case errors.As(err, new(*stream.NotFoundError)):
			found = false
			err = h.streams.Create(h.ctx, w.streams[i], stream.CreateOptions{ShardCount: shards})
			if err == nil {
				err = errNotYet
			}
		case err == nil && found && st.Number == before:
			w.deleteStream(h, i) // once more: it was not done, or it is under way
			err = errNotYet
		case err == nil && st.Status != stream.StatusActive:
			err = errNotYet
		}
		if err != nil {
			return err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if !h.down {
			w.forget(i) // puts in doubt may have come late to the one before
			w.dying[i] = false
		}
		return nil
	}, errNotYet)
}

var errNotYet = errors.New("not yet")

// ofGone reports whether a document tells of records whose stream is gone, or may be.
func (w *world) ofGone(l *link, doc *document) bool {
	if w.dying[l.stream] {
		return true
	}
	req := l.requests[doc.Request.RequestID]
	return req != nil && len(req.records) > 0 && req.records[0].gone
}
