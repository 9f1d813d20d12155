package mapping

import (
	"context"
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

// reading is one pass of a mapping over one incarnation of its stream. It begins the shards that may be begun, parents
// before children, and ends when the stream is gone or the mapping changes.
type reading struct {
	s         *Service
	e         *entry
	row       row
	function  function.Ref
	filters   *filter.Set // nil when all records pass
	fanout    *fanout     // the runner's
	points    checkpoints
	logGroup  string // of the function
	samples   Samples
	retention atomic.Int64 // of the stream, in nanoseconds; 0 while it keeps everything

	// Owned by run.
	stream stream.Stream
	done   map[uint32]progress // what was stored when the reading began
	active map[uint32]bool     // shards with a reader

	ended   chan shardEnd
	unsaved chan struct{} // has an element when there may be something for save

	mu      sync.Mutex
	dirty   []*reader           // whose summary may have changed since it was saved
	readers map[uint32]*reader  // of active shards, for those who look on
	parked  map[uint32][]uint32 // shards that wait, and the parents they wait for
}

// shardEnd is how a reader ended before its context did.
type shardEnd struct {
	shard uint32
	err   error // nil when all records of the shard are done
}

func newReading(r *runner, row row, filters *filter.Set, st stream.Stream, points checkpoints, done map[uint32]progress) *reading {
	rd := &reading{
		s: r.s, e: r.e, row: row, function: row.function(), filters: filters, fanout: &r.fanout, points: points,
		samples: r.s.config.Recorder.Mapping(r.e.uuid, row.function()),
		stream:  st, done: done, active: map[uint32]bool{},
		ended: make(chan shardEnd), unsaved: make(chan struct{}, 1),
		logGroup: "/aws/lambda/" + row.function().Name.Name, readers: map[uint32]*reader{},
	}
	rd.retention.Store(int64(st.Retention))
	return rd
}

// run reads until ctx ends, which is no error, or the stream cannot be read any more.
func (rd *reading) run(ctx, grace context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var readers, saver sync.WaitGroup
	saver.Go(func() { rd.saveLoop(ctx, grace) })
	defer func() {
		cancel()
		readers.Wait()
		saver.Wait()
		rd.save(grace)
	}()
	rd.fanout.retain(func(key stream.ShardKey) bool { // some may have ended as the reading before stopped
		return key.Stream == rd.points.stream && !rd.done[key.Index][wholeShard].Complete
	})
	for {
		rd.e.stats.follow(&rd.stream)
		rd.begin(ctx, grace, &readers)
		select {
		case <-ctx.Done():
			return nil
		case end := <-rd.ended:
			if end.err != nil {
				return end.err
			}
			delete(rd.active, end.shard)
			rd.leave(end.shard)
			rd.fanout.leave(stream.ShardKey{Stream: rd.points.stream, Index: end.shard})
			rd.done[end.shard] = progress{wholeShard: {Complete: true}}
		case <-rd.recheck():
		}
		if err := rd.refresh(ctx); err != nil {
			return err
		}
	}
}

// begin starts a reader for each shard whose time has come.
func (rd *reading) begin(ctx, grace context.Context, readers *sync.WaitGroup) {
	rd.park()
	for _, shard := range rd.stream.Shards {
		if rd.active[shard.Index] || !rd.due(&shard) {
			continue
		}
		rd.active[shard.Index] = true
		r := newReader(rd, shard, rd.done[shard.Index])
		rd.enter(r)
		delete(rd.done[shard.Index], openWindow) // the reader has it, and its state may be large
		readers.Go(func() {
			if err := r.run(ctx, grace); ctx.Err() == nil {
				select {
				case rd.ended <- shardEnd{shard: shard.Index, err: err}:
				case <-ctx.Done():
				}
			}
		})
	}
}

// intake returns the way into a shard. It is the caller's alone until its reader has ended.
func (rd *reading) intake(key stream.ShardKey) intake {
	if id, ok := rd.row.consumer(); ok {
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
	st, err := rd.s.describe(ctx, &rd.row)
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
