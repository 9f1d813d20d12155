package logs

import (
	"context"
	"time"
)

// Elsewhere takes, instead of the room, what a Writer was given: the logs live somewhere else.
type Elsewhere interface {
	// Take returns when it has the events of a group, in the order of each stream. They come from one goroutine. After an error they
	// are dropped, and counted.
	Take(ctx context.Context, n Name, events []Printed) error
}

// Printed is an event that was given to a Writer.
type Printed struct {
	Stream string
	Time   time.Time
	Text   string
}

// handOn gives events to where the logs live.
func (w *Writer) handOn(ctx context.Context, n Name, events []printed) error {
	out := make([]Printed, len(events))
	for i, e := range events {
		out[i] = Printed{Stream: e.stream, Time: time.UnixMilli(e.at), Text: string(e.text)}
	}
	return w.s.config.Elsewhere.Take(ctx, n, out)
}
