package metric

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"
)

// Query asks for the points of a metric.
type Query struct {
	Scope Scope
	Name  Name
	// Unit, if set, leaves out samples of other units.
	Unit string
	// Start is where the first period begins, in whole seconds; End is where the last one ends, which need not be full.
	Start, End time.Time
	// Period is a whole number of seconds.
	Period time.Duration
	// Percentiles asks for distributions. Without, points tell no percentiles, and cost less.
	Percentiles bool
}

// Point is the samples of one period and unit.
type Point struct {
	Time time.Time // when the period began
	Unit string
	Aggregate
}

// pointsAtOnce is how many periods are held in memory at a time.
const pointsAtOnce = 1440

// Points yields the points that have samples, in the order of their times, then of their units. It stops after yielding
// an error.
func (s *Service) Points(ctx context.Context, q Query) iter.Seq2[Point, error] {
	return func(yield func(Point, error) bool) {
		x := s.find(q.Scope, q.Name.sorted().key())
		width := int64(q.Period / time.Second)
		if x == nil || width <= 0 {
			return
		}
		end := q.End.Unix()
		if q.End.Nanosecond() > 0 {
			end++
		}
		for from := q.Start.Unix(); from < end; from += pointsAtOnce * width {
			r := reading{query: &q, from: from, until: min(from+pointsAtOnce*width, end), width: width, points: map[place]*Aggregate{}}
			if err := r.read(ctx, s, x); err != nil {
				yield(Point{}, err)
				return
			}
			for _, p := range r.sorted() {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

// place is a period and unit.
type place struct {
	period int64
	unit   string
}

// reading adds up the rows and cells between two moments.
type reading struct {
	query       *Query
	from, until int64
	width       int64
	points      map[place]*Aggregate
}

// read looks at memory before it looks at the store: what is written in between is in both, and known by its key.
func (r *reading) read(ctx context.Context, s *Service, x *series) error {
	cells := map[string]*cell{}
	s.mu.Lock()
	for _, c := range s.cells {
		if c.series == x {
			cells[c.row] = c
		}
	}
	s.mu.Unlock()
	if err := x.take(ctx); err != nil {
		return err
	}
	defer x.give()
	for t := range tiers {
		for item, err := range s.scan(ctx, t, x.number, r.from, r.until) {
			if err != nil {
				return err
			}
			at, err := periodOf(item.Key)
			if err != nil {
				return err
			}
			a := item.Value.aggregate(r.query.Percentiles)
			r.add(at, item.Value.Unit, &a)
			delete(cells, item.Key)
		}
	}
	for _, c := range cells {
		a := c.snapshot()
		r.add(c.period, c.unit, &a)
	}
	return nil
}

// add adds samples, if they are asked for.
func (r *reading) add(at int64, unit string, a *Aggregate) {
	if at < r.from || at >= r.until || a.Count == 0 || r.query.Unit != "" && unit != r.query.Unit {
		return
	}
	p := place{at - (at-r.from)%r.width, unit}
	if r.points[p] == nil {
		r.points[p] = new(Aggregate)
	}
	r.points[p].Merge(a)
}

func (r *reading) sorted() []Point {
	points := make([]Point, 0, len(r.points))
	for p, a := range r.points {
		points = append(points, Point{Time: time.Unix(p.period, 0).UTC(), Unit: p.unit, Aggregate: *a})
	}
	slices.SortFunc(points, func(a, b Point) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Unit, b.Unit))
	})
	return points
}
