package metric

import (
	"sync"
	"sync/atomic"
)

// Meter is where a room of the house records the samples of one metric in one unit. Its methods may be called from many
// goroutines. It needs no end: one that is not used any more holds nothing.
type Meter struct {
	s     *Service
	scope Scope
	name  Name
	key   string
	unit  string

	cell atomic.Pointer[cell] // of the newest minute
	mu   sync.Mutex           // held by who begins a cell
}

// cell gathers the samples of one minute.
type cell struct {
	series *series // nil when there is no room for the metric: what is recorded is lost
	row    string  // the key under which it will be stored
	period int64
	unit   string

	mu     sync.Mutex
	sum    Aggregate
	closed bool // it is being written, and takes no more
}

// Meter returns a meter. The metric comes into being with its first sample.
func (s *Service) Meter(scope Scope, name Name, unit string) *Meter {
	name = name.sorted()
	return &Meter{s: s, scope: scope, name: name, key: name.key(), unit: unit}
}

// Record adds a sample of this moment. It takes one short lock, and allocates once a minute.
func (m *Meter) Record(v float64) {
	period := minutes.floor(m.s.config.Clock.Now().Unix())
	c := m.cell.Load()
	// A cell is closed when its minute is over, so that a second try is for who was held up on the way here.
	for try := 0; try < 3 && (c == nil || !c.add(period, v)); try++ {
		c = m.begin(period)
	}
}

// add adds a sample, unless the cell is that of another minute or closed.
func (c *cell) add(period int64, v float64) bool {
	if c.period != period {
		return false
	}
	if c.series == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.sum.Add(v, 1)
	return true
}

// begin returns the cell of a minute, which it makes unless somebody else just did.
func (m *Meter) begin(period int64) *cell {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.cell.Load(); c != nil && c.period == period && !c.isClosed() {
		return c
	}
	c := m.s.begin(m, period)
	m.cell.Store(c)
	return c
}

func (c *cell) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// begin makes a cell and remembers it until it is written.
func (s *Service) begin(m *Meter, period int64) *cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &cell{period: period, unit: m.unit}
	x, _, err := s.demand(m.scope, m.name, m.key)
	if err != nil || len(s.cells) >= maxCells {
		return c
	}
	c.series, c.row = x, newRowKey(minutes, x.number, period)
	x.last = max(x.last, period)
	s.cells = append(s.cells, c)
	return c
}

// maxCells bounds the cells that are not written, of all scopes together, for when the store has trouble.
const maxCells = 100_000

// snapshot returns what the cell holds.
func (c *cell) snapshot() Aggregate {
	c.mu.Lock()
	defer c.mu.Unlock()
	var a Aggregate
	a.Merge(&c.sum)
	return a
}
