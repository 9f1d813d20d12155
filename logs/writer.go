package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	// MaxEventBytes bounds an event; what is longer is cut off.
	MaxEventBytes = 1<<20 - eventOverhead
	// writePause is how long events are gathered before they are written, unless somebody asks for it, and how long the
	// writer rests after a write in any case: who prints all the time costs the disk ten writes a second, however many they
	// are.
	writePause = 100 * time.Millisecond
	// writeBytes is about how much is written in one block.
	writeBytes = 1 << 20
)

// Writer takes events that must not make anybody wait. They are kept in memory until Service.Run has made them durable,
// which it does when it is asked to, and every 100 ms, and not more often than that. When the memory is full, or the store
// refuses, events are dropped and counted.
type Writer struct {
	s       *Service
	limit   int
	wake    chan struct{} // holds one: something is to be written
	hurry   chan struct{} // holds one: and soon
	dropped atomic.Int64
	warned  time.Time // when the server's log was last told; only run looks

	mu    sync.Mutex
	bytes int // of all piles, and of what is being written
	piles map[Name]*pile
}

// pile are the events of one group that have not been written.
type pile struct {
	bytes  int
	events []printed
	lost   map[string]int // of each stream that has lost some, which of the events stands in their place
}

// printed is an event of a stream.
type printed struct {
	stream string
	at     int64
	text   []byte
	lost   int // how many dropped ones it stands for
}

func newWriter(s *Service, limit int) *Writer {
	return &Writer{s: s, limit: limit, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), piles: map[Name]*pile{}}
}

// Dropped returns how many events have been dropped since the start.
func (w *Writer) Dropped() int64 { return w.dropped.Load() }

// LogStream is a stream that a Writer writes to. Group and stream are made with the first event.
type LogStream struct {
	w     *Writer
	group Name
	name  string
	last  int64 // the time of the newest event; guarded by the writer's mutex
}

// Stream returns the stream of a group.
func (w *Writer) Stream(group Name, name string) *LogStream {
	return &LogStream{w: w, group: group, name: name}
}

// WriteLine takes an event, as a line without its end, which the event has; the slice stays the caller's. What is not UTF-8
// in it is replaced. It does not wait.
func (l *LogStream) WriteLine(at time.Time, line []byte) {
	line = line[:min(len(line), MaxEventBytes-1)]
	if !utf8.Valid(line) {
		line = bytes.ToValidUTF8(line, []byte("\uFFFD"))
	}
	text := append(append(make([]byte, 0, len(line)+1), line...), '\n')
	l.w.put(l, printed{stream: l.name, at: at.UnixMilli(), text: text})
}

// Flush asks that what was taken becomes durable soon.
func (l *LogStream) Flush() { poke(l.w.hurry) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put puts an event on its group's pile, or drops it. The order of a stream is that of the calls, also when the clock was
// set back.
func (w *Writer) put(l *LogStream, e printed) {
	size := len(e.text) + eventOverhead
	w.mu.Lock()
	defer w.mu.Unlock()
	l.last = max(l.last, e.at)
	e.at = l.last
	p := w.pile(l.group)
	if w.bytes+size > w.limit || p.bytes+size > w.limit/4 {
		w.dropped.Add(1)
		p.lose(e.stream, e.at, 1)
		return
	}
	p.events = append(p.events, e)
	p.bytes += size
	w.bytes += size
	if p.bytes == size { // the first
		poke(w.wake)
	}
}

// pile returns the pile of a group; the caller holds the mutex.
func (w *Writer) pile(n Name) *pile {
	p := w.piles[n]
	if p == nil {
		p = &pile{}
		w.piles[n] = p
	}
	return p
}

// maxLost bounds the streams of which a pile knows that events were dropped.
const maxLost = 1000

// lose counts events of a stream that were dropped, in the place of the first of them.
func (p *pile) lose(stream string, at int64, count int) {
	i, ok := p.lost[stream]
	if !ok {
		if len(p.lost) == maxLost {
			return
		}
		if p.lost == nil {
			p.lost = map[string]int{}
		}
		i = len(p.events)
		p.lost[stream] = i
		p.events = append(p.events, printed{stream: stream, at: at})
	}
	p.events[i].lost += count
}

// lastWords is how long it may take, when the room stops, until logs that live elsewhere have what is left.
const lastWords = 5 * time.Second

// run writes until the context ends, and then once more.
func (w *Writer) run(ctx context.Context) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		select {
		case <-ctx.Done():
			wait(late, lastWords)
			cancel()
		case <-late.Done():
		}
	})
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			continue
		case <-w.wake:
		}
		pause(ctx, w.hurry)
		w.writeAll(late)
		pause(ctx, nil)
	}
	w.writeAll(late)
}

// wait waits, unless the context ends before.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// pause waits, in real time since it is for the disk's sake, unless somebody is in a hurry.
func pause(ctx context.Context, hurry <-chan struct{}) {
	timer := time.NewTimer(writePause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-hurry:
	case <-timer.C:
	}
}

// writeAll writes what has come until now. The context is for who takes it elsewhere.
func (w *Writer) writeAll(ctx context.Context) {
	w.mu.Lock()
	piles := w.piles
	w.piles = map[Name]*pile{}
	w.mu.Unlock()
	for n, p := range piles {
		w.write(ctx, n, p)
		w.mu.Lock()
		w.bytes -= p.bytes
		w.mu.Unlock()
	}
}

// write writes one pile. What the store refuses is dropped: there is nobody to tell, and no memory to keep it in.
func (w *Writer) write(ctx context.Context, n Name, p *pile) {
	for _, i := range p.lost {
		e := &p.events[i]
		e.text = fmt.Appendf(nil, "[millrace] %d events of this log were dropped here: they came faster than they could be kept\n", e.lost)
	}
	for from := 0; from < len(p.events); {
		size, to := 0, from
		for to < len(p.events) && size < writeBytes {
			size += len(p.events[to].text) + eventOverhead
			to++
		}
		if err := w.writePart(ctx, n, p.events[from:to]); err != nil {
			w.lose(n, p.events[from:to], err)
		}
		from = to
	}
}

// warnEvery is how often the server's log is told that events cannot be written.
const warnEvery = time.Minute

// lose counts events that could not be written, so that their streams say so when they can.
func (w *Writer) lose(n Name, events []printed, err error) {
	if now := time.Now(); now.Sub(w.warned) >= warnEvery {
		w.warned = now
		w.s.note("write what functions print", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pile(n)
	for _, e := range events {
		if e.lost == 0 {
			w.dropped.Add(1)
		}
		p.lose(e.stream, e.at, max(1, e.lost))
	}
}

// writePart writes events of a group as one block, after it has made the group and the streams that are not there.
func (w *Writer) writePart(ctx context.Context, n Name, events []printed) error {
	if w.s.config.Elsewhere != nil {
		return w.handOn(ctx, n, events)
	}
	ctx = context.WithoutCancel(ctx) // what was taken is written when the room stops
	g, err := w.s.find(n)
	if err != nil {
		if g, err = w.s.createGroup(ctx, n, Settings{}); err != nil && !errors.Is(err, ErrGroupExists) {
			return err
		}
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.leave()
	var missing []string
	asked := map[string]bool{}
	for _, e := range events {
		if !asked[e.stream] && g.streams[e.stream] == nil {
			missing = append(missing, e.stream)
		}
		asked[e.stream] = true
	}
	if len(missing) > 0 {
		if err := g.createStreams(ctx, true, missing...); err != nil {
			return err
		}
	}
	var entries []entry
	for _, e := range events {
		if x := g.streams[e.stream]; x != nil { // it has been made, unless there is room for fewer streams than these
			entries = append(entries, entry{x.number, e.at, e.text})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return g.append(ctx, entries)
}
