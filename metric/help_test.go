package metric

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/disktest"
)

var here = Scope{Account: "123456789012", Region: "eu-west-1"}

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// bench is a room over a store in memory, at a clock that tests move.
type bench struct {
	*Service
	t     testing.TB
	clock *clockwork.FakeClock
	store *disk.Store
}

func newBench(t testing.TB) *bench {
	s := disktest.Memory(t)
	b := &bench{t: t, clock: clockwork.NewFakeClockAt(noon), store: s}
	b.open(Config{})
	return b
}

// open opens the room anew, as after a crash.
func (b *bench) open(c Config) {
	c.Store, c.Clock = b.store, b.clock
	s, err := New(c)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Service = s
}

// crashed returns the room as it is after a crash of the program.
func (b *bench) crashed() *bench {
	b.open(b.config)
	return b
}

func named(metric string, dimensions ...string) Name {
	n := Name{Namespace: "Test", Metric: metric}
	for i := 0; i < len(dimensions); i += 2 {
		n.Dimensions = append(n.Dimensions, Dimension{dimensions[i], dimensions[i+1]})
	}
	return n
}

// put puts single values at one time.
func (b *bench) put(name Name, unit string, at time.Time, values ...float64) {
	b.t.Helper()
	d := Datum{Name: name, Unit: unit, Time: at}
	for _, v := range values {
		d.Aggregate.Add(v, 1)
	}
	if err := b.Put(context.Background(), here, []Datum{d}); err != nil {
		b.t.Fatal(err)
	}
}

// show reads a metric and writes each point as a line.
func (b *bench) show(name Name, start, end time.Time, period time.Duration) string {
	b.t.Helper()
	var lines []string
	for p, err := range b.Points(context.Background(), Query{Scope: here, Name: name, Start: start, End: end, Period: period, Percentiles: true}) {
		if err != nil {
			b.t.Fatal(err)
		}
		median := "?"
		if v, ok := p.percentile(50); ok {
			median = fmt.Sprint(v)
		}
		lines = append(lines, fmt.Sprintf("%s %s n=%v sum=%v min=%v max=%v p50=%s", p.Time.Format("2 15:04:05"), p.Unit, p.Count, p.Sum, p.Min, p.Max, median))
	}
	return strings.Join(lines, "\n")
}

// rowCounts counts the rows of each tier.
func (b *bench) rowCounts() (counts [tiers]int) {
	b.t.Helper()
	for entry, err := range b.store.Scan(context.Background(), tableRows, "", "") {
		if err != nil {
			b.t.Fatal(err)
		}
		counts[entry.Key[0]]++
	}
	return counts
}

func (b *bench) expect(got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("got\n%s\nand not\n%s", got, want)
	}
}

// failingTables fails commits when it is told to.
type failingTables struct {
	*disk.Store
	fail bool
}

func (f *failingTables) Commit(ctx context.Context, writes ...store.Write) error {
	if f.fail {
		return errStore
	}
	return f.Store.Commit(ctx, writes...)
}
