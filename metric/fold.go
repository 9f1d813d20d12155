package metric

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/millrace/millrace/store"
)

// quiet is how long a period must be over before its rows are made one, so that no reader is in the middle of it.
const quiet = 5 * time.Minute

// fold merges the rows of periods that are over, and those that are old into the rows of longer periods, and removes
// what is too old for these. A metric that cannot be read holds up no other.
func (s *Service) fold(ctx context.Context, now time.Time) error {
	var first error
	for _, x := range s.all() {
		if err := s.foldOne(ctx, x, now); err != nil && first == nil {
			first = fmt.Errorf("%s %s: %w", x.name.Namespace, x.name.Metric, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return first
}

// all returns the metrics of the moment, in no order.
func (s *Service) all() []*series {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*series
	for _, metrics := range s.scopes {
		all = slices.AppendSeq(all, maps.Values(metrics))
	}
	return all
}

func (s *Service) foldOne(ctx context.Context, x *series, now time.Time) error {
	if err := x.take(ctx); err != nil {
		return err
	}
	defer x.give()
	for t := range tiers {
		to := min(t+1, hours)
		until := to.floor(now.Add(-t.keep()).Unix())
		if err := s.merge(ctx, x.number, t, t+1, -1<<62, until); err != nil {
			return err
		}
	}
	if from, until := s.untidy(x, now); from < until {
		for t := seconds; t <= minutes; t++ {
			if err := s.merge(ctx, x.number, t, t, from, until); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.last < now.Add(-hours.keep()).Unix() && !x.gone {
		s.drop(x)
	}
	return nil
}

// untidy says which periods of a metric may have several rows and are over, and takes them for tidied.
func (s *Service) untidy(x *series, now time.Time) (from, until int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	until = minutes.floor(now.Add(-quiet).Unix())
	if x.scattered == 0 || x.scattered >= until {
		return until, until
	}
	from = x.scattered
	if x.scattered = until; until > x.last {
		x.scattered = 0
	}
	return from, until
}

// take waits until nobody else merges or reads the metric's rows; give ends that.
func (x *series) take(ctx context.Context) error {
	select {
	case x.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (x *series) give() { <-x.turn }

// merge makes one row of the rows of a tier that belong to one period of another, for all periods from and until the
// given ones. Those that go to no tier are removed.
func (s *Service) merge(ctx context.Context, number uint64, from, to tier, first, until int64) error {
	m := merging{s: s, number: number, to: to, same: from == to, sums: map[string]*Aggregate{}, gone: map[string][]store.Write{}}
	for item, err := range s.scan(ctx, from, number, first, until) {
		if err != nil {
			return err
		}
		if err := m.add(ctx, item); err != nil {
			return err
		}
	}
	if err := m.close(ctx, 0); err != nil {
		return err
	}
	return m.commit(ctx, 1)
}

// scan yields the rows of a tier whose periods are from first on and before until.
func (s *Service) scan(ctx context.Context, t tier, number uint64, first, until int64) func(func(store.Item[row], error) bool) {
	return func(yield func(store.Item[row], error) bool) {
		for entry, err := range s.config.Store.Scan(ctx, tableRows, rowBefore(t, number, first), rowBefore(t, number, until)) {
			if err != nil {
				yield(store.Item[row]{}, err)
				return
			}
			item, err := s.rows.Decode(entry)
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// merging is one period of merge on its way.
type merging struct {
	s      *Service
	number uint64
	to     tier
	same   bool // the rows stay in their tier

	period int64
	sums   map[string]*Aggregate    // by unit
	gone   map[string][]store.Write // the ends of the rows that were summed
	writes []store.Write
}

// add adds a row, after it has brought the period before to its end.
func (m *merging) add(ctx context.Context, item store.Item[row]) error {
	at, err := periodOf(item.Key)
	if err != nil {
		return err
	}
	if m.to == tiers {
		m.writes = append(m.writes, m.s.rows.Remove(item.Key, 0))
		return m.commit(ctx, batch)
	}
	if at = m.to.floor(at); at != m.period {
		if err := m.close(ctx, at); err != nil {
			return err
		}
	}
	unit := item.Value.Unit
	if m.sums[unit] == nil {
		m.sums[unit] = new(Aggregate)
	}
	a := item.Value.aggregate(true)
	m.sums[unit].Merge(&a)
	// On condition that it is there still: a sum that was in doubt and came late must not be made again.
	m.gone[unit] = append(m.gone[unit], m.s.rows.Remove(item.Key, item.Revision))
	return nil
}

// close ends a period and begins the next.
func (m *merging) close(ctx context.Context, next int64) error {
	for unit, sum := range m.sums {
		if m.same && len(m.gone[unit]) == 1 {
			continue
		}
		w, err := m.s.rows.Write(newRowKey(m.to, m.number, m.period), newRow(unit, sum), 0)
		if err != nil {
			return err
		}
		m.writes = append(append(m.writes, w), m.gone[unit]...)
	}
	clear(m.sums)
	clear(m.gone)
	m.period = next
	return m.commit(ctx, batch)
}

// commit commits what there is, if it is enough.
func (m *merging) commit(ctx context.Context, enough int) error {
	if len(m.writes) < enough {
		return nil
	}
	writes := m.writes
	m.writes = nil
	return m.s.config.Store.Commit(ctx, writes...)
}
