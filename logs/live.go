package logs

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/store"
)

// group is a group in memory.
type group struct {
	s      *Service
	name   Name
	number uint64
	// turn holds one while the group is changed or loaded. Who has it may wait for the store, and may read what mu guards
	// without mu.
	turn chan struct{}

	mu       sync.RWMutex
	row      groupRow
	gone     bool // deleted
	loaded   bool // what follows is true
	streams  map[string]*stream
	byNumber map[uint32]*stream
	extents  []*extent // sealed, in their order; the slice is replaced when some are dropped
	open     extent    // behind these; empty when there is none
	bytes    int64     // of all extents

	samples Samples
}

func newGroup(s *Service, r groupRow) *group {
	return &group{
		s: s, name: r.name(), number: r.Number, row: r, turn: make(chan struct{}, 1),
		streams: map[string]*stream{}, byNumber: map[uint32]*stream{}, samples: s.config.Recorder.Group(r.name()),
	}
}

// enter takes the group's turn, and leave gives it back. The group is there and loaded meanwhile. The error is
// ErrGroupNotFound when it was deleted.
func (g *group) enter(ctx context.Context) error {
	if err := take(ctx, g.turn); err != nil {
		return err
	}
	err := g.s.doubts.Settle(ctx, g.subject())
	switch {
	case err != nil:
	case g.gone:
		err = ErrGroupNotFound
	default:
		err = g.load(ctx)
	}
	if err != nil {
		g.leave()
	}
	return err
}

func (g *group) leave() { <-g.turn }

// ready waits until the group is loaded.
func (g *group) ready(ctx context.Context) error {
	g.mu.RLock()
	gone, loaded := g.gone, g.loaded
	g.mu.RUnlock()
	switch {
	case gone:
		return ErrGroupNotFound
	case loaded:
		return nil
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	g.leave()
	return nil
}

// load reads what the store has of the group: streams, sealed extents, and the blocks behind these. The caller has the
// turn.
func (g *group) load(ctx context.Context) error {
	if g.loaded {
		return nil
	}
	streams, byNumber, err := g.loadStreams(ctx)
	if err != nil {
		return fmt.Errorf("load streams of log group %s: %w", g.name.Group, err)
	}
	extents, bytes, err := g.loadExtents(ctx)
	if err != nil {
		return fmt.Errorf("load extents of log group %s: %w", g.name.Group, err)
	}
	from := uint64(1)
	if len(extents) > 0 {
		from = extents[len(extents)-1].last + 1
	}
	var open extent
	for block, err := range g.s.store.ReadBlocks(ctx, logID(g.number), from) {
		if err == nil {
			open.add(block.Ordinal, len(block.Data))
			err = readBlock(block.Data, func(ingested int64, e entry) {
				open.note(e)
				byNumber[e.stream].note(ingested, e.time, block.Ordinal)
			})
		}
		if err != nil {
			return fmt.Errorf("load log group %s: %w", g.name.Group, err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.streams, g.byNumber, g.extents, g.open, g.bytes, g.loaded = streams, byNumber, extents, open, bytes+open.bytes, true
	return nil
}

func (g *group) loadStreams(ctx context.Context) (map[string]*stream, map[uint32]*stream, error) {
	byName, byNumber := map[string]*stream{}, map[uint32]*stream{}
	for item, err := range g.s.streams.Scan(ctx, numberKey(g.number)) {
		if err != nil {
			return nil, nil, err
		}
		n, err := number(item.Key[8:])
		if err != nil {
			return nil, nil, err
		}
		x := &stream{number: uint32(n), row: item.Value}
		byName[x.row.Name], byNumber[x.number] = x, x
	}
	return byName, byNumber, nil
}

func (g *group) loadExtents(ctx context.Context) (extents []*extent, bytes int64, err error) {
	for item, err := range g.s.extents.Scan(ctx, numberKey(g.number)) {
		if err != nil {
			return nil, 0, err
		}
		first, err := number(item.Key[8:])
		if err != nil {
			return nil, 0, err
		}
		extents = append(extents, item.Value.extent(first))
		bytes += item.Value.Bytes
	}
	return extents, bytes, nil
}

// fits reports whether a list with the filter has the group.
func (g *group) fits(f GroupFilter) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return f.fits(g.row)
}

// snapshot returns the group as others see it, or ErrGroupNotFound.
func (g *group) snapshot(ctx context.Context) (Group, error) {
	if err := g.ready(ctx); err != nil {
		return Group{}, err
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.row.snapshot(g.bytes), nil
}

// change changes the group's row.
func (g *group) change(ctx context.Context, change func(r *groupRow) error) error {
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.leave()
	row := g.row
	if err := change(&row); err != nil {
		return err
	}
	if err := g.s.rows.Put(context.WithoutCancel(ctx), groupKey(g.name), row, 0); err != nil {
		g.doubt(err)
		return fmt.Errorf("store log group %s: %w", g.name.Group, err)
	}
	g.setRow(row)
	return nil
}

func (g *group) setRow(r groupRow) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.row = r
}

// append makes events durable, which are some, as a block that is ingested now. The caller has the turn.
func (g *group) append(ctx context.Context, entries []entry) error {
	ingested := g.s.clock.Now().UnixMilli()
	block := appendBlock(nil, ingested, entries)
	ordinal, err := g.s.store.Append(context.WithoutCancel(ctx), logID(g.number), store.Data(block))
	if err != nil {
		g.doubt(err)
		return fmt.Errorf("append to log group %s: %w", g.name.Group, err)
	}
	bytes := 0
	g.mu.Lock()
	g.open.add(ordinal, len(block))
	g.bytes += int64(len(block))
	for _, e := range entries {
		bytes += len(e.message)
		g.open.note(e)
		g.byNumber[e.stream].note(ingested, e.time, ordinal)
	}
	g.mu.Unlock()
	g.samples.Record(IncomingBytes, float64(bytes))
	g.samples.Record(IncomingLogEvents, float64(len(entries)))
	g.s.tails.publish(g, ingested, entries)
	if g.open.bytes >= extentBytes {
		// The events are durable; what follows is made up for at the next occasion, or the next start, when it fails.
		g.s.note("seal logs", g.seal(context.WithoutCancel(ctx)))
		g.s.note("trim logs", g.shrink(context.WithoutCancel(ctx)))
	}
	return nil
}

// seal ends the open extent, and stores what is known of the streams in it. The caller has the turn.
func (g *group) seal(ctx context.Context) error {
	sealed := g.open
	write, err := g.s.extents.Write(extentKey(g.number, sealed.first), sealed.row(), 0)
	if err != nil {
		return err
	}
	writes := []store.Write{write}
	for _, number := range sealed.streams {
		x := g.byNumber[number]
		if x == nil {
			continue // deleted
		}
		w, err := g.s.streams.Write(streamKey(g.number, number), x.row, 0)
		if err != nil {
			return err
		}
		writes = append(writes, w)
	}
	if err := g.s.store.Commit(ctx, writes...); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.extents = append(g.extents, &sealed)
	g.open = extent{}
	return nil
}
