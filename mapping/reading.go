package mapping

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/filter"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// saveEvery bounds how often what was passed over without an invocation is written down.
const saveEvery = time.Second

// terms are what the mapping asks for at one time. They never change: a change of the mapping makes others.
type terms struct {
	row      row
	changed  <-chan struct{} // closed when the row is no longer the current one
	function function.Ref
	filters  *filter.Set // nil when all records pass
	logGroup string      // of the function
	samples  Samples
}

func (s *Service) terms(row row, changed <-chan struct{}) (*terms, error) {
	filters, err := row.Settings.filters()
	if err != nil {
		return nil, err
	}
	f := row.function()
	return &terms{
		row: row, changed: changed, function: f, filters: filters, logGroup: "/aws/lambda/" + f.Name.Name,
		samples: s.config.Recorder.Mapping(row.UUID, f),
	}, nil
}

// reading is one pass of a mapping over one incarnation of its stream. It begins the shards that may be begun, parents
// before children, and ends when the stream is gone or is not to be read any more. When the mapping changes otherwise, each shard
// gets another reader as soon as nothing of it is in flight, whatever is in flight of others.
type reading struct {
	s         *Service
	e         *entry
	source    row     // what of the mapping never changes is right in it
	fanout    *fanout // the runner's
	points    checkpoints
	retention atomic.Int64 // of the stream, in nanoseconds; 0 while it keeps everything

	// Owned by run.
	terms  *terms // of readers that begin now
	stream stream.Stream
	done   map[uint32]progress // what was stored when the reading began, or later when the shard had lost its reader
	active map[uint32]bool     // shards with a reader

	ended   chan shardEnd
	unsaved chan struct{} // has an element when there may be something for save
	saving  chan struct{} // has an element while something is saved

	mu      sync.Mutex
	dirty   []*reader           // whose summary may have changed since it was saved
	readers map[uint32]*reader  // of active shards, for those who look on
	parked  map[uint32][]uint32 // shards that wait, and the parents they wait for
}

// shardEnd is how a reader ended before the reading did.
type shardEnd struct {
	shard  uint32
	turned bool  // since the mapping has changed
	err    error // nil when all records of the shard are done
}

func newReading(r *runner, t *terms, st stream.Stream, points checkpoints, done map[uint32]progress) *reading {
	rd := &reading{
		s: r.s, e: r.e, source: t.row, fanout: &r.fanout, points: points,
		terms: t, stream: st, done: done, active: map[uint32]bool{},
		ended: make(chan shardEnd), unsaved: make(chan struct{}, 1), saving: make(chan struct{}, 1),
		readers: map[uint32]*reader{},
	}
	rd.retention.Store(int64(st.Retention))
	return rd
}

// run reads until ctx ends or the mapping is not to be read for any more, which is no error, or the stream cannot be read any
// more.
func (rd *reading) run(ctx, grace context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var readers, others sync.WaitGroup
	others.Go(func() { rd.saveLoop(ctx, grace) })
	defer func() {
		cancel()
		readers.Wait()
		others.Wait()
		rd.save(grace)
	}()
	turn := until(ctx, rd.terms.changed, &others)
	rd.fanout.retain(func(key stream.ShardKey) bool { // some may have ended as the reading before stopped
		return key.Stream == rd.points.stream && !rd.done[key.Index][wholeShard].Complete
	})
	for {
		rd.e.stats.follow(&rd.stream)
		rd.begin(ctx, turn, grace, &readers)
		select {
		case <-turn.Done():
			row, changed := rd.e.current()
			if ctx.Err() != nil || row.Phase.Then != Enabled {
				return nil
			}
			t, err := rd.s.terms(row, changed)
			if err != nil {
				return err
			}
			rd.terms, turn = t, until(ctx, changed, &others)
		case end := <-rd.ended:
			if err := rd.partAll(ctx, end); err != nil {
				return err
			}
		case <-rd.passed():
		case <-rd.recheck():
		}
		if err := rd.refresh(ctx); err != nil {
			return err
		}
	}
}

// until returns a context that ends with ctx, or when a channel is closed. Who watches the channel is waited for by the group.
func until(ctx context.Context, closed <-chan struct{}, watch *sync.WaitGroup) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	if ended(ctx, closed) { // nothing is to begin before the watch does
		cancel()
		return ctx
	}
	watch.Go(func() {
		defer cancel()
		select {
		case <-closed:
		case <-ctx.Done():
		}
	})
	return ctx
}

// partAll takes note of the ends of this moment: there are many when the mapping has changed.
func (rd *reading) partAll(ctx context.Context, end shardEnd) error {
	for {
		if err := rd.part(ctx, end); err != nil {
			return err
		}
		select {
		case end = <-rd.ended:
		default:
			return nil
		}
	}
}

// part takes note that a shard has no reader any more. When its records are not all done, begin gives it another.
func (rd *reading) part(ctx context.Context, end shardEnd) error {
	done := progress{wholeShard: {Complete: true}}
	if end.turned {
		var err error
		if done, err = rd.points.shard(ctx, end.shard); err != nil {
			return err
		}
	} else if end.err != nil {
		return end.err
	}
	delete(rd.active, end.shard)
	rd.leave(end.shard)
	if rd.done[end.shard] = done; done[wholeShard].Complete {
		rd.fanout.leave(stream.ShardKey{Stream: rd.points.stream, Index: end.shard})
	}
	return nil
}

// passed returns a channel that yields when the mapping's transition is over, during which no reader begins.
func (rd *reading) passed() <-chan time.Time {
	phase, now := rd.terms.row.Phase, rd.s.config.Clock.Now()
	if !phase.inTransition(now) {
		return nil
	}
	return rd.s.config.Clock.After(phase.Until.Sub(now))
}

// begin starts a reader for each shard whose time has come. They go on until the context of their turn ends, which is within the
// reading's.
func (rd *reading) begin(ctx, turn, grace context.Context, readers *sync.WaitGroup) {
	rd.park()
	if turn.Err() != nil || rd.terms.row.Phase.inTransition(rd.s.config.Clock.Now()) {
		return
	}
	for _, shard := range rd.stream.Shards {
		if rd.active[shard.Index] || !rd.due(&shard) {
			continue
		}
		rd.active[shard.Index] = true
		r := newReader(rd, shard, rd.done[shard.Index])
		rd.enter(r)
		delete(rd.done[shard.Index], openWindow) // the reader has it, and its state may be large
		readers.Go(func() {
			end := shardEnd{shard: shard.Index, err: r.run(turn, grace)}
			if end.turned = turn.Err() != nil; end.turned {
				rd.saveLast(grace, r)
			}
			select {
			case rd.ended <- end:
			case <-ctx.Done():
			}
		})
	}
}

// intake returns the way into a shard. It is the caller's alone until its reader has ended.
func (rd *reading) intake(key stream.ShardKey) intake {
	if id, ok := rd.source.consumer(); ok {
		return rd.fanout.shard(id, key)
	}
	if rd.s.config.Polled != nil {
		return &poller{s: rd.s, key: key}
	}
	return &iterator{source: rd.s.config.Source, key: key}
}

// due reports whether a shard is to be read: it is not done, and the shards that it came from are. One of these that
// the stream no longer lists holds no records any more.
func (rd *reading) due(shard *stream.Shard) bool {
	if rd.done[shard.Index][wholeShard].Complete {
		return false
	}
	return len(rd.awaited(shard)) == 0
}

// awaited returns the shards whose last record has to be done before the given one is read.
func (rd *reading) awaited(shard *stream.Shard) []uint32 {
	var parents []uint32
	for _, parent := range []int64{shard.Parent, shard.AdjacentParent} {
		if parent == stream.NoParent || rd.done[uint32(parent)][wholeShard].Complete {
			continue
		}
		if _, listed := rd.stream.Shard(uint32(parent)); listed {
			parents = append(parents, uint32(parent))
		}
	}
	return parents
}

// recheck returns a channel that yields when the stream should be looked at again although no shard has ended. That is
// needed only when a shard that has ended has no child to be seen yet; new shards come from nowhere else.
func (rd *reading) recheck() <-chan time.Time {
	parents := map[int64]bool{}
	for i := range rd.stream.Shards {
		parents[rd.stream.Shards[i].Parent] = true
		parents[rd.stream.Shards[i].AdjacentParent] = true
	}
	for i := range rd.stream.Shards {
		index := rd.stream.Shards[i].Index
		if rd.done[index][wholeShard].Complete && !parents[int64(index)] {
			return rd.s.config.Clock.After(min(rd.s.config.Recheck, time.Second))
		}
	}
	if len(rd.active) == 0 {
		return rd.s.config.Clock.After(rd.s.config.Recheck)
	}
	return nil
}

// refresh looks at the stream again.
func (rd *reading) refresh(ctx context.Context) error {
	st, err := rd.describe(ctx)
	if err == nil {
		rd.stream = st
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// describe returns the stream as it is now, and is an error when it is no longer the one that is read. Lanes call it
// too.
func (rd *reading) describe(ctx context.Context) (stream.Stream, error) {
	st, err := rd.s.describe(ctx, &rd.source)
	if err != nil {
		return st, err
	}
	if st.Number != rd.points.stream {
		return st, &stream.NotFoundError{Name: st.Name}
	}
	rd.retention.Store(int64(st.Retention))
	return st, nil
}

// report notes the result of an invocation, to be stored in a while.
func (rd *reading) report(result string) {
	if rd.e.report(result) {
		rd.touch(nil)
	}
}

// touch asks for a save, of a reader's summary too unless it is nil.
func (rd *reading) touch(r *reader) {
	if r != nil {
		rd.mu.Lock()
		rd.dirty = append(rd.dirty, r)
		rd.mu.Unlock()
	}
	select {
	case rd.unsaved <- struct{}{}:
	default:
	}
}

// saveLoop saves when there is something to save, and not too often.
func (rd *reading) saveLoop(ctx, grace context.Context) {
	for {
		select {
		case <-rd.unsaved:
		case <-ctx.Done():
			return
		}
		rd.s.sleep(ctx, saveEvery, nil)
		rd.save(grace)
	}
}

// save writes down what may be written late because losing it repeats no invocation: how far the shards are as a whole,
// and the result of the last invocation.
func (rd *reading) save(ctx context.Context) {
	rd.saving <- struct{}{}
	defer func() { <-rd.saving }()
	rd.saveNow(ctx)
}

// saveLast saves when a reader has ended, and forgets it: what it had to save must not be written later, over what the shard's
// next reader has written.
func (rd *reading) saveLast(ctx context.Context, r *reader) {
	rd.saving <- struct{}{}
	defer func() { <-rd.saving }()
	rd.saveNow(ctx)
	rd.mu.Lock()
	rd.dirty = slices.DeleteFunc(rd.dirty, func(other *reader) bool { return other == r })
	rd.mu.Unlock()
}

func (rd *reading) saveNow(ctx context.Context) {
	rd.mu.Lock()
	readers := rd.dirty
	rd.dirty = nil
	rd.mu.Unlock()

	writes := make([]store.Write, 0, len(readers)+1)
	summaries := make([]stream.Position, len(readers))
	for i, r := range readers {
		summaries[i] = r.summarise(&writes)
	}
	result, unsaved := rd.e.unsaved()
	if unsaved {
		if w, err := rd.s.table.results.Write(rd.e.uuid, result, 0); err == nil { // a string is always encoded
			writes = append(writes, w)
		}
	}
	if len(writes) == 0 {
		return
	}
	err := rd.s.config.Store.Commit(ctx, writes...)
	for i, r := range readers {
		r.summarised(summaries[i], err == nil)
	}
	switch {
	case err != nil:
		rd.s.config.Log.Warn("cannot save progress", "mapping", rd.e.uuid, "error", err)
		rd.touch(nil)
	case unsaved:
		rd.e.markSaved(result)
	}
}
