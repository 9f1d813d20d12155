package metric

import (
	"context"
	"slices"
	"time"
)

// Elsewhere takes, instead of the room, what was recorded: the metrics live somewhere else.
type Elsewhere interface {
	// Take returns when it has the samples, whose order means nothing. After an error it is given them again.
	Take(ctx context.Context, samples []Sample) error
}

// Sample is what was recorded of a metric in one minute.
type Sample struct {
	Scope Scope
	Name  Name
	Unit  string
	Time  time.Time
	Aggregate
}

// patience is how old samples may become that nobody elsewhere takes, in seconds; then they are lost, and their memory free.
const patience = 15 * 60

// handOn gives closed cells to where the metrics live.
func (s *Service) handOn(ctx context.Context, cells []*cell) error {
	samples := make([]Sample, 0, len(cells))
	for _, c := range cells {
		c.mu.Lock()
		c.closed = true
		sum := c.sum
		c.mu.Unlock()
		if sum.Count > 0 && c.series != nil {
			samples = append(samples, Sample{c.series.scope, c.series.name, c.unit, time.Unix(c.period, 0), sum})
		}
	}
	err := s.config.Elsewhere.Take(ctx, samples)
	oldest := s.config.Clock.Now().Unix() - patience
	s.mu.Lock()
	defer s.mu.Unlock()
	done := make(map[*cell]bool, len(cells))
	for _, c := range cells {
		done[c] = err == nil || c.period < oldest
	}
	s.cells = slices.DeleteFunc(s.cells, func(c *cell) bool { return done[c] })
	return err
}

// Values are the different values of the samples and how often each came, as far as they are known: nearly, where many values
// were close to each other. Nothing is known when some samples came as a sum.
func (a *Aggregate) Values() (values, counts []float64, known bool) {
	if a.opaque {
		return nil, nil, false
	}
	for _, b := range a.values.buckets {
		values, counts = append(values, b.sum/b.count), append(counts, b.count)
	}
	return values, counts, true
}
