package metric

import (
	"context"
	"slices"

	"github.com/millrace/millrace/store"
)

const (
	// batch is about how many rows are committed at a time.
	batch = 1000
	// lag is how far, in seconds, the store may be behind with when a metric had its newest sample.
	lag = 600
)

// flush writes down the cells of the minutes before the given moment. Those that cannot be written stay.
func (s *Service) flush(ctx context.Context, before int64) error {
	for cells := range slices.Chunk(s.due(before), batch) {
		if err := s.write(ctx, cells); err != nil {
			return err
		}
	}
	return nil
}

// due returns the cells of the minutes before the given moment.
func (s *Service) due(before int64) []*cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*cell
	for _, c := range s.cells {
		if c.period < before {
			due = append(due, c)
		}
	}
	return due
}

// write writes closed cells down and forgets them.
func (s *Service) write(ctx context.Context, cells []*cell) error {
	if s.config.Elsewhere != nil {
		return s.handOn(ctx, cells)
	}
	var writes []store.Write
	var touched []*series
	for _, c := range cells {
		c.mu.Lock()
		c.closed = true
		r := newRow(c.unit, &c.sum)
		c.mu.Unlock()
		if r.Count == 0 || s.left(c.series) {
			continue
		}
		w, err := s.rows.Write(c.row, r, 0)
		if err != nil {
			return err
		}
		writes = append(writes, w)
		touched = append(touched, c.series)
	}
	if err := s.commit(ctx, touched, writes); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	written := make(map[*cell]bool, len(cells))
	for _, c := range cells {
		written[c] = true
	}
	s.cells = slices.DeleteFunc(s.cells, func(c *cell) bool { return written[c] })
	return nil
}

func (s *Service) left(x *series) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.gone
}

// commit makes rows durable, together with what the store has to know of their metrics.
func (s *Service) commit(ctx context.Context, touched []*series, writes []store.Write) error {
	type update struct {
		x    *series
		last int64
	}
	var updates []update
	s.mu.Lock()
	for _, x := range touched {
		if x.stored >= 0 && x.last-x.stored < lag || slices.ContainsFunc(updates, func(u update) bool { return u.x == x }) {
			continue
		}
		updates = append(updates, update{x, x.last})
	}
	s.mu.Unlock()
	for _, u := range updates {
		w, err := s.metrics.Write(metricKey(u.x.number), metricRow{
			Account: u.x.scope.Account, Region: u.x.scope.Region, Namespace: u.x.name.Namespace, Metric: u.x.name.Metric,
			Dimensions: u.x.name.Dimensions, Last: u.last,
		}, 0)
		if err != nil {
			return err
		}
		writes = append(writes, w)
	}
	if len(writes) == 0 {
		return nil
	}
	if err := s.config.Store.Commit(ctx, writes...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range updates {
		u.x.stored = max(u.x.stored, u.last)
	}
	return nil
}

// bury removes what the store holds of metrics that have left the room.
func (s *Service) bury(ctx context.Context) error {
	s.mu.Lock()
	doomed := s.doomed
	s.doomed = nil
	s.mu.Unlock()
	for i, number := range doomed {
		if err := s.remove(ctx, number); err != nil {
			s.mu.Lock()
			s.doomed = append(s.doomed, doomed[i:]...)
			s.mu.Unlock()
			return err
		}
	}
	return nil
}

// remove removes a metric's rows, and at last the metric.
func (s *Service) remove(ctx context.Context, number uint64) error {
	var writes []store.Write
	for t := range tiers {
		for entry, err := range s.config.Store.Scan(ctx, tableRows, metricPrefix(t, number), store.PrefixEnd(metricPrefix(t, number))) {
			if err != nil {
				return err
			}
			writes = append(writes, s.rows.Remove(entry.Key, 0))
			if len(writes) == batch {
				if err := s.config.Store.Commit(ctx, writes...); err != nil {
					return err
				}
				writes = nil
			}
		}
	}
	return s.config.Store.Commit(ctx, append(writes, s.metrics.Remove(metricKey(number), 0))...)
}
