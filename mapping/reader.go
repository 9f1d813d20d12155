package mapping

import (
	"context"
	"errors"
	"sync"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

const (
	// maxChunkRecords and maxChunkBytes bound one read; smallChunkBytes does when buffers are short.
	maxChunkRecords = 10_000
	maxChunkBytes   = 1 << 20
	smallChunkBytes = 64 << 10
)

// reader reads one shard for its lanes. It reads from the cursor of the slowest lane that has room and hands each
// record to the lane of its hash key, so that one pass serves all lanes while they keep up, and a lane that is blocked
// holds up neither the others nor the reader: it is passed by, and read for again from where it was left.
type reader struct {
	rd     *reading
	terms  *terms
	s      *Service
	shard  stream.Shard
	key    stream.ShardKey
	intake intake
	form   *eventForm
	id     string // the shard's
	counts *shardStats
	retry  backoff
	sieve  sieve
	unpack bool // aggregated records are taken apart

	lanesDone sync.WaitGroup
	changed   chan struct{} // has an element when a lane has made room or come to rest

	mu    sync.Mutex
	lanes []lane
	// others are the facts about sectors of another factor than today's that are not implied by the summary.
	others    progress
	saved     stream.Position // the summary as stored: all of the shard's records up to here are done
	touched   bool            // a save was asked for
	tip       bool            // the shard has been read to its tip, and the reader waits there
	interrupt context.CancelFunc
	err       error // why a lane gave up
	doing     doing // what the reader waits for, beside records and room
}

func newReader(rd *reading, shard stream.Shard, done progress) *reader {
	factor := rd.terms.row.Settings.ParallelizationFactor
	r := &reader{
		rd:      rd,
		terms:   rd.terms,
		s:       rd.s,
		shard:   shard,
		id:      shard.ID(),
		key:     stream.ShardKey{Stream: rd.points.stream, Index: shard.Index},
		form:    newEventForm(rd.terms.row.SourceARN, rd.terms.row.source().Region, shard),
		counts:  rd.e.stats.shard(shard.Index),
		retry:   backoff{Base: rd.s.config.RetryBase, Cap: rd.s.config.RetryCap},
		sieve:   sieve{filters: rd.terms.filters, shard: shard},
		changed: make(chan struct{}, 1),
		lanes:   make([]lane, factor),
		others:  progress{},
		saved:   max(done[summary].Position, done[wholeShard].Position),
	}
	r.intake = rd.intake(r.key)
	_, r.unpack = rd.terms.row.consumer()
	now := rd.s.config.Clock.Now()
	for i := range r.lanes {
		stored := done[sector{factor, i}]
		at := max(r.saved, stored.Position)
		r.lanes[i] = lane{r: r, sector: sector{factor, i}, stored: stored, fed: at, settled: at, durable: at, gathering: now, wake: make(chan struct{}, 1)}
	}
	r.lanes[0].setOpen(done[openWindow].Window)
	for part, fact := range done {
		if part != summary && part != openWindow && part.Factor != factor && !fact.isWithin(r.saved) {
			r.others[part] = fact
		}
	}
	return r
}

// run reads until ctx ends or the shard's records are all done, and returns nil then. An error says that the stream is
// gone. When run returns, no lane is running.
func (r *reader) run(ctx, grace context.Context) error {
	defer r.release()
	if err := r.inherit(ctx, grace); err != nil && !errors.Is(err, errStopped) {
		return err
	}
	for ctx.Err() == nil {
		next, from, size := r.plan()
		var err error
		switch next {
		case complete:
			return r.complete(grace)
		case blocked:
			select {
			case <-r.changed:
			case <-ctx.Done():
			}
			err = r.failure()
		case read:
			err = r.read(ctx, grace, from, size)
		}
		if err != nil {
			r.fail(err)
			return err
		}
	}
	return nil
}

// step is what a reader does next.
type step int

const (
	read     step = iota
	blocked       // no lane has room
	complete      // the shard is closed, and its lanes are done
)

// plan decides what to do next. For read it says from where and how much at most, and marks the lanes that the read is
// for: the others take nothing of it.
func (r *reader) plan() (next step, from stream.Position, size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next, from = complete, stream.MaxPosition
	for i := range r.lanes {
		l := &r.lanes[i]
		l.reading = !l.ended && l.hasRoom()
		switch {
		case l.reading:
			next, from = read, min(from, l.fed)
		case next == complete && (!l.ended || l.held > 0 || l.open != nil):
			next = blocked
		}
	}
	if r.s.pressed() {
		return next, from, smallChunkBytes
	}
	return next, from, maxChunkBytes
}

// read reads once and feeds the lanes; when there is nothing to be read, it waits until there is.
func (r *reader) read(ctx, grace context.Context, from stream.Position, size int) error {
	b, err := r.fetch(ctx, from, size)
	if err != nil {
		return err
	}
	r.feed(ctx, grace, &b, r.sift(r.unpacked(b.Records)))
	r.sieve.empty()
	if len(b.Records) > 0 || b.End {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !r.arm(cancel) {
		return nil
	}
	err = r.intake.wait(ctx, b.Next)
	r.arm(nil)
	if err != nil && ctx.Err() == nil {
		r.s.config.Log.Warn("cannot wait for records", "mapping", r.rd.e.uuid, "shard", r.shard.ID(), "error", err)
		r.s.sleep(ctx, r.retry.delay(4), nil)
	}
	return r.failure()
}

// fetch reads, again and again with growing waits while the source has trouble. That spends no retries of a batch. It
// is an error when the stream is gone, or the shard with the last of its records.
func (r *reader) fetch(ctx context.Context, from stream.Position, size int) (stream.Batch, error) {
	for n := 1; ; n++ {
		var b stream.Batch
		err := r.s.mayRead(ctx, r.terms.function, &r.terms.row)
		if err == nil {
			b, err = r.intake.read(ctx, from, maxChunkRecords, size)
		}
		if err == nil || ctx.Err() != nil {
			return b, nil
		}
		if isNotFound(err) {
			st, gone := r.rd.describe(ctx)
			if gone != nil {
				return b, gone
			}
			if _, listed := st.Shard(r.key.Index); !listed {
				return stream.Batch{Next: from, End: true}, nil
			}
		}
		r.rd.report(sourceProblem(err))
		r.s.config.Log.Warn("cannot read shard", "mapping", r.rd.e.uuid, "shard", r.shard.ID(), "error", err)
		rest := r.retry.delay(n)
		r.does(doing{what: history.WaitSource, until: r.s.config.Clock.Now().Add(rest)})
		r.s.sleep(ctx, rest, nil)
		r.does(doing{})
	}
}

// unpacked takes aggregated records apart for a consumer; an iterator's are records like others.
func (r *reader) unpacked(records []stream.Record) []stream.Record {
	if !r.unpack {
		return records
	}
	records, strays := unpack(records, &r.shard)
	for _, s := range strays {
		r.s.config.Log.Warn("aggregated record passed over: it holds records of another shard", "mapping", r.rd.e.uuid, "shard", r.shard.ID(),
			"number", r.shard.SequenceNumber(s.Position, s.Arrival))
	}
	return records
}

// sift returns which of the records go to lanes: a lane is being read for, nobody is known to have handled the record
// before, and a filter matches. The answer is good until the sieve is emptied.
func (r *reader) sift(records []stream.Record) []*stream.Record {
	r.mu.Lock()
	for i := range records {
		record := &records[i]
		l := &r.lanes[laneOf(record.Hash, len(r.lanes))]
		if l.reading && record.Position > l.fed && !l.stored.covers(record) && !r.others.done(record) {
			r.sieve.add(record)
		}
	}
	r.mu.Unlock()
	seen := len(r.sieve.records)
	kept := r.sieve.sift() // lanes need not wait for this
	stats := &r.rd.e.stats
	stats.polled.Add(uint64(seen))
	stats.filteredOut.Add(uint64(seen - len(kept)))
	r.recordPoll(seen, len(kept))
	return kept
}

// feed hands the records that are wanted of a chunk to their lanes, and lets those run that have something to do. The
// others are done with it too: a lane that holds nothing has come as far as the chunk.
func (r *reader) feed(ctx, grace context.Context, b *stream.Batch, wanted []*stream.Record) {
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, record := range wanted {
		r.lanes[laneOf(record.Hash, len(r.lanes))].push(record)
	}
	for i := range r.lanes {
		l := &r.lanes[i]
		if !l.reading {
			continue
		}
		l.fed, l.ended = max(l.fed, b.Next), b.End
		if l.held == 0 {
			l.settled = l.fed
		}
		switch {
		case l.running:
			l.signal()
		case l.held > 0:
			l.running = true
			r.lanesDone.Go(func() { l.run(ctx, grace) })
		}
	}
	r.touch()
}

// arm sets what a lane calls to interrupt the wait for records, because it has room and was not read for. It returns
// false when that is so already.
func (r *reader) arm(interrupt context.CancelFunc) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.interrupt, r.tip = nil, false
	if interrupt == nil {
		return true
	}
	for i := range r.lanes {
		if l := &r.lanes[i]; !l.reading && !l.ended && l.hasRoom() {
			return false
		}
	}
	r.interrupt, r.tip = interrupt, true
	if l := &r.lanes[0]; l.open != nil {
		l.signal()
	}
	return true
}

// notify lets the reader look at its lanes; the caller holds the mutex.
func (r *reader) notify() {
	if r.interrupt != nil {
		for i := range r.lanes {
			if l := &r.lanes[i]; !l.reading && l.hasRoom() {
				r.interrupt()
				break
			}
		}
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// fail ends the reader, and a lane that waits for a record, because one of them found that the stream is gone.
func (r *reader) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	if r.interrupt != nil {
		r.interrupt()
	}
	r.notify()
	r.lanes[0].signal() // it may be waiting for the end of a window
}

func (r *reader) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// complete records that the shard is done, which lets its children begin.
func (r *reader) complete(grace context.Context) error {
	at := stream.Position(0)
	for i := range r.lanes { // which have all come to rest
		at = max(at, r.lanes[i].fed)
	}
	fact, err := r.rd.points.write(r.key.Index, wholeShard, checkpoint{Position: at, Complete: true})
	if err != nil {
		return err
	}
	return r.persist(grace, fact)
}

// persist makes facts durable, all or none. It asks the store again and again while that has trouble, also when the
// mapping is to stop: to go on without would repeat what was delivered, and there is nobody else to ask. The error is
// that grace has ended.
func (r *reader) persist(grace context.Context, facts ...store.Write) error {
	for n := 1; ; n++ {
		err := r.s.config.Store.Commit(grace, facts...)
		if err == nil || grace.Err() != nil {
			return err
		}
		r.s.config.Log.Error("cannot store checkpoint", "mapping", r.rd.e.uuid, "shard", r.shard.ID(), "error", err)
		rest := r.retry.delay(n)
		r.does(doing{what: history.WaitStore, until: r.s.config.Clock.Now().Add(rest)})
		r.s.sleep(grace, rest, nil)
		r.does(doing{})
	}
}

// release waits for the lanes to stop and gives back what they hold.
func (r *reader) release() {
	r.lanesDone.Wait()
	for i := range r.lanes {
		r.s.buffered.Add(-r.lanes[i].bytes)
	}
}

// touch asks for the summary to be saved, if that tells more than the lanes' own checkpoints: of several lanes it always
// does, of one when it has passed over filtered records. The caller holds the mutex.
func (r *reader) touch() {
	passed := r.terms.filters != nil && r.lanes[0].settled > max(r.lanes[0].durable, r.saved)
	if !r.touched && (len(r.lanes) > 1 || len(r.others) > 0 || passed) {
		r.touched = true
		r.rd.touch(r)
	}
}

// summarise appends the writes that bring the stored summary up to date, and returns the summary.
func (r *reader) summarise(writes *[]store.Write) stream.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touched = false
	at := stream.MaxPosition
	for i := range r.lanes {
		at = min(at, r.lanes[i].settled)
	}
	if at <= r.saved {
		return r.saved
	}
	if w, err := r.rd.points.write(r.key.Index, summary, checkpoint{Position: at}); err == nil { // it is always encoded
		*writes = append(*writes, w)
	}
	for part, fact := range r.others {
		if fact.isWithin(at) && part != wholeShard { // which may become that the shard is complete at any moment
			*writes = append(*writes, r.rd.points.remove(r.key.Index, part))
		}
	}
	return at
}

// summarised notes whether the summary was saved.
func (r *reader) summarised(at stream.Position, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok {
		r.touch()
		return
	}
	r.saved = at
	for part, fact := range r.others {
		if fact.isWithin(at) {
			delete(r.others, part)
		}
	}
}

// pressed reports whether the lanes of all mappings hold as much as they may.
func (s *Service) pressed() bool { return s.buffered.Load() >= s.config.BufferBytes }
