package metric

import (
	"context"
	"time"

	"github.com/millrace/millrace/store"
)

// Datum is something that a client puts.
type Datum struct {
	Name Name
	Unit string
	Time time.Time
	// HighResolution asks that seconds be told apart.
	HighResolution bool
	Aggregate      Aggregate
}

// Put adds the data and returns when all of it is durable; it is added as a whole or not at all. The error is ErrName,
// a *LimitError, or the store's.
func (s *Service) Put(ctx context.Context, scope Scope, data []Datum) error {
	names := make([]Name, len(data))
	for i := range data {
		if err := data[i].Name.check(); err != nil {
			return err
		}
		names[i] = data[i].Name.sorted()
	}
	touched, err := s.demandAll(scope, names, data)
	if err != nil {
		return err
	}
	type target struct {
		series *series
		tier   tier
		period int64
		unit   string
	}
	var order []target
	sums := map[target]*Aggregate{}
	for i := range data {
		at := target{touched[i], minutes, 0, data[i].Unit}
		if data[i].HighResolution {
			at.tier = seconds
		}
		at.period = at.tier.floor(data[i].Time.Unix())
		if sums[at] == nil {
			order = append(order, at)
			sums[at] = new(Aggregate)
		}
		sums[at].Merge(&data[i].Aggregate)
	}
	var writes []store.Write
	for _, at := range order {
		w, err := s.rows.Write(newRowKey(at.tier, at.series.number, at.period), newRow(at.unit, sums[at]), 0)
		if err != nil {
			return err
		}
		writes = append(writes, w)
	}
	return s.commit(ctx, touched, writes)
}

// demandAll returns the metrics of the data, all or none.
func (s *Service) demandAll(scope Scope, names []Name, data []Datum) ([]*series, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*series, len(names))
	var made []*series
	for i, name := range names {
		x, fresh, err := s.demand(scope, name, name.key())
		if err != nil {
			for _, x := range made {
				s.drop(x)
			}
			return nil, err
		}
		if fresh {
			made = append(made, x)
		}
		all[i] = x
	}
	for i, x := range all {
		period := minutes.floor(data[i].Time.Unix())
		x.last = max(x.last, period)
		if x.scattered == 0 || period < x.scattered {
			x.scattered = period
		}
	}
	return all, nil
}
