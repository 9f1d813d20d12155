package logs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/store"
)

// Stream is a snapshot of a stream. Times are zero when it never had an event.
type Stream struct {
	Name       string
	Created    time.Time
	FirstEvent time.Time
	LastEvent  time.Time
	Ingested   time.Time // the newest ingestion
}

// stream is a stream in memory. Its row is guarded by the group's mutex.
type stream struct {
	number uint32
	row    streamRow
}

// streamRow is how a stream is kept. What it says of events may be behind: it is as of the newest sealed extent.
type streamRow struct {
	Name    string `json:"name"`
	Created int64  `json:"created"`
	// Printed says that a Writer made the stream. It goes with its last event.
	Printed  bool   `json:"printed,omitempty"`
	First    int64  `json:"first,omitempty"` // time of an event, 0 when there was none
	Last     int64  `json:"last,omitempty"`
	Ingested int64  `json:"ingested,omitempty"`
	Ordinal  uint64 `json:"ordinal,omitempty"` // of the newest block with events of it
}

// note takes an event in; a deleted stream, which is nil, takes none.
func (x *stream) note(ingested, at int64, ordinal uint64) {
	if x == nil {
		return
	}
	r := &x.row
	if r.First == 0 || at < r.First {
		r.First = at
	}
	r.Last, r.Ingested, r.Ordinal = max(r.Last, at), max(r.Ingested, ingested), ordinal
}

// silentSince is when the stream last gave a sign of life.
func (r streamRow) silentSince() int64 { return max(r.Created, r.Ingested) }

func (r streamRow) snapshot() Stream {
	s := Stream{Name: r.Name, Created: time.UnixMilli(r.Created)}
	if r.Ordinal > 0 {
		s.FirstEvent, s.LastEvent, s.Ingested = time.UnixMilli(r.First), time.UnixMilli(r.Last), time.UnixMilli(r.Ingested)
	}
	return s
}

// CreateStream makes a stream and returns when that is durable. When the group has as many as it may have, the one that
// has been silent for longest makes room.
//
// Errors: ErrGroupNotFound, ErrStreamExists.
func (s *Service) CreateStream(ctx context.Context, n Name, name string) error {
	g, err := s.find(n)
	if err != nil {
		return err
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.leave()
	if g.streams[name] != nil {
		return ErrStreamExists
	}
	return g.createStreams(ctx, false, name)
}

// createStreams makes streams that are not there, in one commit. The caller has the turn.
func (g *group) createStreams(ctx context.Context, printed bool, names ...string) error {
	row := g.row
	var writes []store.Write
	var made []*stream
	for _, name := range names {
		x := &stream{number: row.NextStream, row: streamRow{Name: name, Created: g.s.clock.Now().UnixMilli(), Printed: printed}}
		row.NextStream++
		w, err := g.s.streams.Write(streamKey(g.number, x.number), x.row, 0)
		if err != nil {
			return err
		}
		writes, made = append(writes, w), append(made, x)
	}
	evicted := g.silent(len(g.streams) + len(made) - g.s.config.Streams)
	for _, x := range evicted {
		writes = append(writes, g.s.streams.Remove(streamKey(g.number, x.number), 0))
	}
	w, err := g.s.rows.Write(groupKey(g.name), row, 0)
	if err != nil {
		return err
	}
	if err := g.s.store.Commit(context.WithoutCancel(ctx), append(writes, w)...); err != nil {
		g.doubt(err)
		return fmt.Errorf("store streams of log group %s: %w", g.name.Group, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.row = row
	for _, x := range evicted {
		g.forget(x)
	}
	for _, x := range made {
		g.streams[x.row.Name], g.byNumber[x.number] = x, x
	}
	return nil
}

// silent returns so many of the streams that have been silent for longest. The caller has the turn.
func (g *group) silent(count int) []*stream {
	if count <= 0 {
		return nil
	}
	all := make([]*stream, 0, len(g.streams))
	for _, x := range g.streams {
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b *stream) int {
		return cmp.Or(cmp.Compare(a.row.silentSince(), b.row.silentSince()), cmp.Compare(a.number, b.number))
	})
	return all[:min(count, len(all))]
}

// forget takes a stream out of memory; the caller holds the mutex.
func (g *group) forget(x *stream) {
	delete(g.streams, x.row.Name)
	delete(g.byNumber, x.number)
}

// DeleteStream deletes a stream, with its events, and returns when that is durable.
//
// Errors: ErrGroupNotFound, ErrStreamNotFound.
func (s *Service) DeleteStream(ctx context.Context, n Name, name string) error {
	g, err := s.find(n)
	if err != nil {
		return err
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.leave()
	x := g.streams[name]
	if x == nil {
		return ErrStreamNotFound
	}
	if err := s.streams.Delete(context.WithoutCancel(ctx), streamKey(g.number, x.number)); err != nil {
		g.doubt(err)
		return fmt.Errorf("delete a stream of log group %s: %w", n.Group, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(x)
	return nil
}

// StreamList says which streams are listed, and how.
type StreamList struct {
	Prefix string
	// ByTime orders by the time of the newest event instead of by name, streams without events first.
	ByTime     bool
	Descending bool
	// After is the stream to go on after, as the list before said.
	After StreamMark
	Limit int
}

// StreamMark is a stream's place in a list; zero is before the first.
type StreamMark struct {
	Last int64 // the time of its newest event, when the list is ordered by time
	Name string
}

// Streams lists the streams of a group. The mark is where to go on, zero when there are no more. The error is
// ErrGroupNotFound.
func (s *Service) Streams(ctx context.Context, n Name, l StreamList) ([]Stream, StreamMark, error) {
	g, err := s.find(n)
	if err != nil {
		return nil, StreamMark{}, err
	}
	if err := g.ready(ctx); err != nil {
		return nil, StreamMark{}, err
	}
	rows := g.listed(l)
	slices.SortFunc(rows, func(a, b streamRow) int { return l.compare(l.mark(a), l.mark(b)) })
	more := len(rows) > l.Limit
	rows = rows[:min(l.Limit, len(rows))]
	page := make([]Stream, len(rows))
	for i, r := range rows {
		page[i] = r.snapshot()
	}
	if !more {
		return page, StreamMark{}, nil
	}
	return page, l.mark(rows[len(rows)-1]), nil
}

// listed returns the streams of a list and those behind, unordered.
func (g *group) listed(l StreamList) []streamRow {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var rows []streamRow
	for _, x := range g.streams {
		if strings.HasPrefix(x.row.Name, l.Prefix) && (l.After == StreamMark{} || l.compare(l.mark(x.row), l.After) > 0) {
			rows = append(rows, x.row)
		}
	}
	return rows
}

func (l StreamList) mark(r streamRow) StreamMark {
	if l.ByTime {
		return StreamMark{r.Last, r.Name}
	}
	return StreamMark{Name: r.Name}
}

func (l StreamList) compare(a, b StreamMark) int {
	c := cmp.Or(cmp.Compare(a.Last, b.Last), strings.Compare(a.Name, b.Name))
	if l.Descending {
		return -c
	}
	return c
}
