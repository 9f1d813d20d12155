package logs

import (
	"container/heap"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// MaxPageBytes bounds the messages of a page, unless one alone has more.
	MaxPageBytes = 1 << 20
	// scanBytes is about how much a reader looks through for one page. A page that has found little until then is given as
	// it is, with the place to go on from.
	scanBytes = 16 << 20
)

// Query says which events of a group are read.
type Query struct {
	// Streams names the streams to read, when All is not set.
	Streams []string
	All     bool
	Prefix  string // of streams, with All
	// From and To bound the times of events: From is within, To is not. Nil means no bound.
	From, To *time.Time
	// Match says which messages are wanted; nil means all. It must not keep the message.
	Match func(message []byte) bool
	// Backward reads from the newest event on: the page has the last events before At, still in their order. Forward, it
	// has the first events from At on.
	Backward bool
	// At is where to begin; nil means at the first event, or behind the last.
	At    *Place
	Limit int
}

// Page is a part of a group's events, in order.
type Page struct {
	Events []Found
	// Begin and End are the places between which the page has all events that the query asks for: Begin is within, End is
	// not. A query goes on forward from End, backward from Begin.
	Begin, End Place
	// More says that there may be more events in the query's direction.
	More bool
}

// Read reads a page of events.
//
// Errors: ErrGroupNotFound; ErrStreamNotFound, when a stream is named that is not there.
func (s *Service) Read(ctx context.Context, n Name, q Query) (Page, error) {
	g, err := s.find(n)
	if err != nil {
		return Page{}, err
	}
	if err := g.ready(ctx); err != nil {
		return Page{}, err
	}
	streams, extents, err := g.view(q)
	if err != nil {
		return Page{}, err
	}
	r := newReader(g, q, streams)
	extents = slices.DeleteFunc(extents, func(e *extent) bool { return e.max < r.from || e.min >= r.to || !e.has(streams) })
	if err := r.read(ctx, extents); err != nil {
		return Page{}, fmt.Errorf("read log group %s: %w", n.Group, err)
	}
	return r.page(), nil
}

// view returns what a query reads: the names of its streams by their numbers, and all extents.
func (g *group) view(q Query) (map[uint32]string, []*extent, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	streams := map[uint32]string{}
	if q.All {
		for number, x := range g.byNumber {
			if strings.HasPrefix(x.row.Name, q.Prefix) {
				streams[number] = x.row.Name
			}
		}
	}
	for _, name := range q.Streams {
		x := g.streams[name]
		if x == nil {
			return nil, nil, ErrStreamNotFound
		}
		streams[x.number] = name
	}
	extents := slices.Clone(g.extents)
	if !g.open.empty() {
		open := g.open
		extents = append(extents, &open)
	}
	return streams, extents, nil
}

// reader gathers the page of a query: of the events between its edge, where it begins, and its bound, where it ends, the
// nearest to the edge. Whatever does not fit moves the bound nearer. So it holds one page in memory, however many events
// it looks at and in whichever order these come.
type reader struct {
	g        *group
	query    Query
	streams  map[uint32]string
	from, to int64 // times of events
	edge     Place
	bound    Place
	more     bool

	found   farthest
	bytes   int
	scanned int64
}

func newReader(g *group, q Query, streams map[uint32]string) *reader {
	r := &reader{g: g, query: q, streams: streams, from: g.expired(), to: math.MaxInt64}
	if q.From != nil {
		r.from = max(r.from, q.From.UnixMilli())
	}
	if q.To != nil {
		r.to = q.To.UnixMilli()
	}
	r.found.backward = q.Backward
	r.edge, r.bound = Place{}, end
	if q.Backward {
		r.edge, r.bound = end, Place{}
	}
	if q.At != nil {
		r.edge = *q.At
	}
	return r
}

// within reports whether a place is between edge and bound: the lower of both is within, the higher is not.
func (r *reader) within(p Place) bool {
	low, high := r.edge, r.bound
	if r.query.Backward {
		low, high = high, low
	}
	return p.compare(low) >= 0 && p.compare(high) < 0
}

// read reads extents, the nearest to the edge first, until the others are beyond the bound.
func (r *reader) read(ctx context.Context, extents []*extent) error {
	slices.SortStableFunc(extents, func(a, b *extent) int { return r.near(a).compare(r.near(b)) * r.sign() })
	for _, e := range extents {
		near := r.near(e)
		if near.compare(r.bound)*r.sign() >= 0 {
			return nil
		}
		// Events before near, seen from the edge, have all been looked at.
		if r.scanned > scanBytes && near.compare(r.edge)*r.sign() > 0 {
			r.stop(near)
			return nil
		}
		if r.far(e).compare(r.edge)*r.sign() <= 0 {
			continue
		}
		if err := r.readExtent(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) sign() int {
	if r.query.Backward {
		return -1
	}
	return 1
}

// near is the end of the extent that the reader comes to first, as a bound: all its events are on the other side.
func (r *reader) near(e *extent) Place {
	if r.query.Backward {
		return Place{time: e.max + 1}
	}
	return Place{time: e.min}
}

func (r *reader) far(e *extent) Place {
	if r.query.Backward {
		return Place{time: e.min}
	}
	return Place{time: e.max + 1}
}

func (r *reader) readExtent(ctx context.Context, e *extent) error {
	r.scanned += e.bytes
	for block, err := range r.g.s.store.ReadBlocks(ctx, logID(r.g.number), e.first) {
		if err != nil {
			return err
		}
		if block.Ordinal > e.last {
			return nil
		}
		place := Place{ordinal: block.Ordinal}
		if err := readBlock(block.Data, func(ingested int64, x entry) {
			place.time = x.time
			r.take(place, ingested, x)
			place.index++
		}); err != nil {
			return err
		}
	}
	return nil
}

// take takes an event in, if it is wanted and belongs to the page as far as it is known.
func (r *reader) take(p Place, ingested int64, x entry) {
	name, wanted := r.streams[x.stream]
	if !wanted || x.time < r.from || x.time >= r.to || !r.within(p) || r.query.Match != nil && !r.query.Match(x.message) {
		return
	}
	heap.Push(&r.found, Found{
		Event: Event{time.UnixMilli(x.time), string(x.message)}, Stream: name, Ingested: time.UnixMilli(ingested), Place: p,
	})
	r.bytes += len(x.message)
	for r.found.Len() > r.query.Limit || r.bytes > MaxPageBytes && r.found.Len() > 1 {
		r.expel()
	}
}

// expel gives up the event that is farthest from the edge; the bound is then there.
func (r *reader) expel() {
	f := heap.Pop(&r.found).(Found)
	r.bytes -= len(f.Message)
	r.more, r.bound = true, f.Place
	if r.query.Backward {
		r.bound = f.Place.next()
	}
}

// stop ends the page at a bound, since enough has been looked through.
func (r *reader) stop(at Place) {
	for r.found.Len() > 0 {
		p := r.found.events[0].Place
		if r.query.Backward && p.compare(at) >= 0 || !r.query.Backward && p.compare(at) < 0 {
			break
		}
		r.expel()
	}
	r.more, r.bound = true, at
}

// page returns what was found. It ends where it stopped or, when there is nothing more, at its last event, so that what
// comes later is found from there on.
func (r *reader) page() Page {
	slices.SortFunc(r.found.events, func(a, b Found) int { return a.Place.compare(b.Place) })
	p := Page{Events: r.found.events, More: r.more, Begin: r.edge, End: r.bound}
	if r.query.Backward {
		p.Begin, p.End = r.bound, r.edge
	}
	events := p.Events
	if len(events) == 0 && !r.more {
		// Nothing is there, and the places stay: behind what was, if that is known.
		p.Begin, p.End = Place{}, Place{}
		if r.query.At != nil {
			p.Begin, p.End = r.edge, r.edge
		}
		return p
	}
	if len(events) == 0 && r.query.At == nil && r.query.Backward {
		p.End = p.Begin // what comes later is behind this
	}
	if len(events) > 0 && (!r.more || !r.query.Backward) {
		p.Begin = events[0].Place
	}
	if len(events) > 0 && (!r.more || r.query.Backward) {
		p.End = events[len(events)-1].Place.next()
	}
	return p
}

// farthest is a heap of events, the one farthest from the reader's edge on top.
type farthest struct {
	events   []Found
	backward bool
}

func (f *farthest) Len() int { return len(f.events) }

func (f *farthest) Less(i, j int) bool {
	c := f.events[i].Place.compare(f.events[j].Place)
	if f.backward {
		return c < 0
	}
	return c > 0
}

func (f *farthest) Swap(i, j int) { f.events[i], f.events[j] = f.events[j], f.events[i] }
func (f *farthest) Push(x any)    { f.events = append(f.events, x.(Found)) }

func (f *farthest) Pop() any {
	last := len(f.events) - 1
	x := f.events[last]
	f.events[last] = Found{}
	f.events = f.events[:last]
	return x
}
