package metric

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/store/storetest"
)

func TestPutIsDurable(t *testing.T) {
	b := newBench(t)
	b.put(named("Latency", "b", "2", "a", "1"), "Seconds", noon, 1, 3)
	b.put(named("Latency", "a", "1", "b", "2"), "Seconds", noon.Add(59*time.Second), 8)
	b.put(named("Latency", "a", "1", "b", "2"), "Seconds", noon.Add(time.Minute), 5)
	b = b.crashed()
	name := named("Latency", "b", "2", "a", "1")
	b.expect(b.show(name, noon, noon.Add(time.Hour), time.Minute), `1 12:00:00 Seconds n=3 sum=12 min=1 max=8 p50=3
1 12:01:00 Seconds n=1 sum=5 min=5 max=5 p50=5`)
	b.expect(b.show(name, noon, noon.Add(time.Hour), 5*time.Minute), "1 12:00:00 Seconds n=4 sum=17 min=1 max=8 p50=3")
	b.expect(b.show(named("Latency"), noon, noon.Add(time.Hour), time.Minute), "")
}

func TestUnitsAreKeptApart(t *testing.T) {
	b := newBench(t)
	b.put(named("Size"), "Bytes", noon, 1)
	b.put(named("Size"), "Kilobytes", noon, 2)
	b.expect(b.show(named("Size"), noon, noon.Add(time.Minute), time.Minute), `1 12:00:00 Bytes n=1 sum=1 min=1 max=1 p50=1
1 12:00:00 Kilobytes n=1 sum=2 min=2 max=2 p50=2`)
	for p := range b.Points(t.Context(), Query{Scope: here, Name: named("Size"), Unit: "Kilobytes", Start: noon, End: noon.Add(time.Minute), Period: time.Minute}) {
		if p.Unit != "Kilobytes" || p.Sum != 2 {
			t.Error(p)
		}
	}
}

func TestScopesAreKeptApart(t *testing.T) {
	b := newBench(t)
	b.put(named("Size"), "Bytes", noon, 1)
	for p := range b.Points(t.Context(), Query{Scope: Scope{"000000000000", "eu-west-1"}, Name: named("Size"), Start: noon, End: noon.Add(time.Minute), Period: time.Minute}) {
		t.Error(p)
	}
	if page, _, err := b.List(Scope{here.Account, "us-east-1"}, Filter{}, ""); err != nil || page != nil {
		t.Error(page, err)
	}
}

// What a meter was told can be read at once, and is stored when its minute is over.
func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		clock := clockwork.NewRealClock() // which is virtual in here
		start := clock.Now().Truncate(time.Minute)
		s, err := New(Config{Store: b.store, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		b.Service = s
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = s.Run(ctx) })

		m := s.Meter(here, named("Age"), "Milliseconds")
		m.Record(10)
		m.Record(30)
		const first = "1 00:00:00 Milliseconds n=2 sum=40 min=10 max=30 p50=10"
		b.expect(b.show(named("Age"), start, start.Add(time.Hour), time.Minute), first)
		if n := b.rowCounts(); n[minutes] != 0 {
			t.Error("stored before its minute was over", n)
		}
		<-clock.After(time.Minute)
		synctest.Wait()
		if n := b.rowCounts(); n[minutes] != 1 {
			t.Error("not stored when its minute was over", n)
		}
		b.expect(b.show(named("Age"), start, start.Add(time.Hour), time.Minute), first)
		m.Record(7)
		cancel()
		running.Wait()
		if n := b.rowCounts(); n[minutes] != 2 {
			t.Error("not stored at the end", n)
		}
		if s, err = New(s.config); err != nil {
			t.Fatal(err)
		}
		b.Service = s
		b.expect(b.show(named("Age"), start, start.Add(time.Hour), time.Minute), first+"\n1 00:01:00 Milliseconds n=1 sum=7 min=7 max=7 p50=7")
	})
}

// While the store refuses, samples stay in memory and are seen; then they are stored once.
func TestRecordWhileTheStoreFails(t *testing.T) {
	b := newBench(t)
	failing := &failingTables{Store: b.store, fail: true}
	s, err := New(Config{Store: failing, Clock: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	b.Service = s
	m := s.Meter(here, named("Age"), "Count")
	m.Record(1)
	b.clock.Advance(time.Minute)
	if err := s.flush(t.Context(), b.clock.Now().Unix()); !errors.Is(err, errStore) {
		t.Fatal(err)
	}
	m.Record(2)
	const want = "1 12:00:00 Count n=1 sum=1 min=1 max=1 p50=1\n1 12:01:00 Count n=1 sum=2 min=2 max=2 p50=2"
	b.expect(b.show(named("Age"), noon, noon.Add(time.Hour), time.Minute), want)
	failing.fail = false
	b.clock.Advance(time.Minute)
	if err := s.flush(t.Context(), b.clock.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	b.expect(b.show(named("Age"), noon, noon.Add(time.Hour), time.Minute), want)
	if len(s.cells) != 0 {
		t.Error(len(s.cells), "cells are left")
	}
	b = b.crashed()
	b.expect(b.show(named("Age"), noon, noon.Add(time.Hour), time.Minute), want)
}

func TestRecordFromManyGoroutines(t *testing.T) {
	b := newBench(t)
	meters := []*Meter{b.Meter(here, named("n"), "Count"), b.Meter(here, named("n"), "Count")}
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for range 1000 {
				meters[g%2].Record(1)
			}
		})
	}
	all.Go(func() {
		for i := range 50 {
			b.clock.Advance(10 * time.Second)
			if err := b.flush(t.Context(), minutes.floor(b.clock.Now().Unix())); err != nil {
				t.Error(i, err)
			}
		}
	})
	all.Wait()
	b.expect(b.show(named("n"), noon, noon.Add(time.Hour), time.Hour), "1 12:00:00 Count n=8000 sum=8000 min=1 max=1 p50=1")
}

// Periods grow with age, and nothing is lost on the way until the end of the last.
func TestFold(t *testing.T) {
	b := newBench(t)
	name := named("Old")
	var data []Datum
	for i := range 120 {
		d := Datum{Name: name, Unit: "Count", Time: noon.Add(time.Duration(i) * time.Second), HighResolution: true}
		d.Aggregate.Add(float64(i), 1)
		data = append(data, d)
	}
	if err := b.Put(t.Context(), here, data); err != nil {
		t.Fatal(err)
	}
	b.put(name, "Count", noon.Add(7*time.Minute), 1000)
	b.put(name, "Count", noon.Add(7*time.Minute), 2000)
	b.put(name, "Count", noon.Add(61*time.Minute), 3000)
	day := 24 * time.Hour
	for _, step := range []struct {
		age  time.Duration
		rows [tiers]int
		want string
	}{
		{time.Hour, [tiers]int{120, 2}, ""},
		{2 * time.Hour, [tiers]int{120, 2}, ""},
		{4 * time.Hour, [tiers]int{0, 4}, ""},
		{16 * day, [tiers]int{0, 0, 3}, ""},
		{64 * day, [tiers]int{0, 0, 0, 2}, ""},
	} {
		b.clock.Advance(noon.Add(step.age).Sub(b.clock.Now()))
		if err := b.fold(t.Context(), b.clock.Now()); err != nil {
			t.Fatal(err)
		}
		if n := b.rowCounts(); n != step.rows {
			t.Errorf("after %s there are rows %v, not %v", step.age, n, step.rows)
		}
		b.expect(b.show(name, noon, noon.Add(2*time.Hour), time.Hour),
			"1 12:00:00 Count n=122 sum=10140 min=0 max=2000 p50=60\n1 13:00:00 Count n=1 sum=3000 min=3000 max=3000 p50=3000")
		b = b.crashed()
	}
	b.clock.Advance(456*day - 64*day)
	if err := b.fold(t.Context(), b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := b.bury(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := b.rowCounts(); n != [tiers]int{} {
		t.Error("rows are left", n)
	}
	if b.crashed(); len(b.all()) != 0 {
		t.Error("the metric is left")
	}
}

// Whoever reads while rows are merged sees each sample once.
func TestReadWhileFolding(t *testing.T) {
	b := newBench(t)
	for i := range 300 {
		b.put(named("n"), "Count", noon.Add(time.Duration(i)*time.Second), 1)
	}
	b.clock.Advance(16 * 24 * time.Hour)
	var all sync.WaitGroup
	done := make(chan struct{})
	all.Go(func() {
		defer close(done)
		if err := b.fold(t.Context(), b.clock.Now()); err != nil {
			t.Error(err)
		}
	})
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		b.expect(b.show(named("n"), noon, noon.Add(time.Hour), time.Hour), "1 12:00:00 Count n=300 sum=300 min=1 max=1 p50=1")
	}
	all.Wait()
	if n := b.rowCounts(); n != [tiers]int{0, 0, 1, 0} {
		t.Error(n)
	}
}

func TestHighResolution(t *testing.T) {
	b := newBench(t)
	d := Datum{Name: named("Fine"), Unit: "None", Time: noon.Add(7 * time.Second), HighResolution: true}
	d.Aggregate.Add(1, 1)
	if err := b.Put(t.Context(), here, []Datum{d}); err != nil {
		t.Fatal(err)
	}
	b.expect(b.show(named("Fine"), noon, noon.Add(time.Minute), time.Second), "1 12:00:07 None n=1 sum=1 min=1 max=1 p50=1")
	b.expect(b.show(named("Fine"), noon, noon.Add(time.Minute), 5*time.Second), "1 12:00:05 None n=1 sum=1 min=1 max=1 p50=1")
}

func TestLimit(t *testing.T) {
	b := newBench(t)
	b.open(Config{Metrics: 3})
	b.Meter(here, Name{Namespace: "AWS/Lambda", Metric: "a"}, "Count").Record(1)
	b.clock.Advance(time.Minute)
	b.Meter(here, Name{Namespace: "AWS/Lambda", Metric: "b"}, "Count").Record(1)
	b.put(named("c"), "None", noon, 1)
	var limit *LimitError
	two := []Datum{{Name: named("c"), Time: noon}, {Name: named("d"), Time: noon}}
	if err := b.Put(t.Context(), here, two); !errors.As(err, &limit) || limit.Limit != 3 {
		t.Error(err)
	}
	fresh := b.Meter(here, Name{Namespace: "AWS/Lambda", Metric: "e"}, "Count")
	fresh.Record(1) // nobody has been silent for long enough
	if got := listOf(b); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Error(got)
	}
	b.clock.Advance(4 * time.Hour)
	if err := b.flush(t.Context(), b.clock.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	fresh.Record(1)
	if got := listOf(b); !slices.Equal(got, []string{"b", "e", "c"}) {
		t.Error(got)
	}
	if err := b.bury(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.crashed(); !slices.Equal(listOf(b), []string{"b", "c"}) {
		t.Error(listOf(b))
	}
}

func listOf(b *bench) (names []string) {
	page, _, err := b.List(here, Filter{}, "")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, n := range page {
		names = append(names, n.Metric)
	}
	return names
}

func TestList(t *testing.T) {
	b := newBench(t)
	for i := range 501 {
		b.put(named(fmt.Sprintf("m%03d", i), "D", "1"), "None", noon, 1)
	}
	b.put(Name{Namespace: "Other", Metric: "x", Dimensions: []Dimension{{"D", "1"}, {"E", "2"}}}, "None", noon.Add(-4*time.Hour), 1)
	page, token, err := b.List(here, Filter{}, "")
	if err != nil || len(page) != 500 || page[0].Namespace != "Other" {
		t.Fatal(len(page), err)
	}
	rest, token, err := b.List(here, Filter{}, token)
	if err != nil || len(rest) != 2 || token != "" || rest[1].Metric != "m500" {
		t.Fatal(rest, err)
	}
	if _, _, err := b.List(here, Filter{}, "!"); !errors.Is(err, ErrToken) {
		t.Error(err)
	}
	for _, c := range []struct {
		filter Filter
		want   int
	}{
		{Filter{Namespace: "Other"}, 1},
		{Filter{Metric: "m007"}, 1},
		{Filter{Dimensions: []Dimension{{Name: "E"}}}, 1},
		{Filter{Dimensions: []Dimension{{"E", "2"}, {"D", "1"}}}, 1},
		{Filter{Dimensions: []Dimension{{"E", "3"}}}, 0},
		{Filter{Namespace: "Other", Recent: true}, 0},
	} {
		if page, _, _ := b.List(here, c.filter, ""); len(page) != c.want {
			t.Errorf("%+v finds %d", c.filter, len(page))
		}
	}
	b.clock.Advance(15 * 24 * time.Hour)
	if page, _, _ := b.List(here, Filter{}, ""); len(page) != 0 {
		t.Error("silent metrics are listed")
	}
}

func TestNames(t *testing.T) {
	b := newBench(t)
	for _, n := range []Name{{}, named(""), named("a", "", "1"), named("a", "x", ""), named("a\x00b"), named("a", "x", "1\x002")} {
		if err := b.Put(t.Context(), here, []Datum{{Name: n, Time: noon}}); !errors.Is(err, ErrName) {
			t.Errorf("%+v: %v", n, err)
		}
	}
}

func TestStatistics(t *testing.T) {
	var a, set Aggregate
	for v := range 100 {
		a.Add(float64(v+1), 1)
	}
	set.AddSet(4, 10, 1, 4)
	for _, c := range []struct {
		name string
		of   *Aggregate
		want float64
		ok   bool
	}{
		{"SampleCount", &a, 100, true},
		{"Sum", &a, 5050, true},
		{"Average", &a, 50.5, true},
		{"Minimum", &a, 1, true},
		{"Maximum", &a, 100, true},
		{"p0", &a, 1, true},
		{"p50", &a, 50, true},
		{"p99.9", &a, 100, true},
		{"Average", &set, 2.5, true},
		{"p50", &set, 0, false},
		{"Sum", new(Aggregate), 0, false},
	} {
		s, err := ParseStatistic(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Of(c.of); ok != c.ok || ok && got != c.want {
			t.Errorf("%s is %v, %v", c.name, got, ok)
		}
	}
	for _, name := range []string{"", "p", "p101", "p-1", "pNaN", "p1e1", "tm99", "sum"} {
		if _, err := ParseStatistic(name); !errors.Is(err, ErrStatistic) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Percentiles of any values are right to a fiftieth while the values are not too far apart, also after merging and
// storing.
func TestPercentilesAreClose(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var whole Aggregate
	var values []float64
	for range 20 {
		var part Aggregate
		for range 500 {
			v := 100 + 400*random.Float64()
			values = append(values, v)
			part.Add(v, 1)
		}
		r := newRow("", &part)
		stored := r.aggregate(true)
		whole.Merge(&stored)
	}
	slices.Sort(values)
	for _, p := range []float64{1, 10, 50, 90, 99, 99.9} {
		want := values[int(math.Ceil(p/100*float64(len(values))))-1]
		if got, ok := whole.percentile(p); !ok || math.Abs(got-want) > want/50 {
			t.Errorf("p%v is %v, not %v", p, got, want)
		}
	}
}

func TestDistributionIsBounded(t *testing.T) {
	var a, b Aggregate
	for i := range 2000 {
		v := math.Exp2(float64(i)/4 - 250)
		a.Add(v, 1)
		b.Add(-v, 2)
	}
	a.Merge(&b)
	if n := len(a.values.buckets); n > maxBuckets || n < 2 {
		t.Error(n, "buckets")
	}
	count := 0.0
	for i, x := range a.values.buckets {
		if count += x.count; i > 0 && x.key <= a.values.buckets[i-1].key {
			t.Error("buckets are not in order")
		}
	}
	if count != 6000 || a.Count != 6000 {
		t.Error(count, a.Count)
	}
	if v, ok := a.percentile(50); !ok || v >= 0 {
		t.Error(v, ok)
	}
}

// BenchmarkRecord records samples into one metric from all processors, and allocates nothing.
func BenchmarkRecord(b *testing.B) {
	s := disktest.Memory(b)
	room, err := New(Config{Store: s, Clock: clockwork.NewRealClock()})
	if err != nil {
		b.Fatal(err)
	}
	m := room.Meter(here, named("Age", "FunctionName", "f"), "Milliseconds")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for v := 1.0; pb.Next(); v += 0.37 {
			m.Record(v)
		}
	})
}

var errStore = errors.New("the store has trouble")

// TestFoldGoesOn: a metric whose rows cannot be read keeps no other from being merged.
func TestFoldGoesOn(t *testing.T) {
	b := newBench(t)
	at := b.clock.Now()
	var names []Name
	for i := range 5 {
		names = append(names, named(fmt.Sprintf("m%d", i)))
		b.put(names[i], "None", at, 1)
		b.put(names[i], "None", at, 2)
	}
	bad := b.find(here, names[2].key())
	if err := b.config.Store.Commit(t.Context(), store.Write{Table: tableRows, Key: newRowKey(minutes, bad.number, minutes.floor(at.Unix())), Value: []byte("\x01{")}); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	if err := b.fold(t.Context(), b.clock.Now()); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("%v", err)
	}
	if got := b.rowCounts()[minutes]; got != 4+3 {
		t.Errorf("%d rows are left of eleven, and not one for each metric that can be read", got)
	}
}

// A sum of which it is not known if it was stored is not made twice, however late it comes.
func TestFoldInDoubt(t *testing.T) {
	for _, fate := range storetest.Fates {
		b := newBench(t)
		d := &storetest.Doubtful{Store: b.store}
		s, err := New(Config{Store: d, Clock: b.clock})
		if err != nil {
			t.Fatal(err)
		}
		b.Service = s
		b.put(named("Sum"), "Count", noon, 1)
		b.put(named("Sum"), "Count", noon, 2)
		b.clock.Advance(time.Hour)
		x := s.all()[0]
		merge := func() error {
			return s.merge(t.Context(), x.number, minutes, minutes, noon.Unix(), noon.Add(time.Hour).Unix())
		}
		d.Doubt(tableRows, fate)
		if err := merge(); !errors.Is(err, storetest.ErrDoubt) {
			t.Fatal(err)
		}
		if err := merge(); err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
		if err := merge(); err != nil {
			t.Fatal(err)
		}
		b.expect(b.show(named("Sum"), noon, noon.Add(time.Hour), time.Minute), "1 12:00:00 Count n=2 sum=3 min=1 max=2 p50=1")
	}
}

// taker takes samples, unless it is told to fail.
type taker struct {
	fail bool
	got  []Sample
}

func (k *taker) Take(_ context.Context, samples []Sample) error {
	if k.fail {
		return errStore
	}
	k.got = append(k.got, samples...)
	return nil
}

// What is recorded goes elsewhere, once, and is given up when nobody takes it for long.
func TestElsewhere(t *testing.T) {
	b, there := newBench(t), &taker{fail: true}
	b.open(Config{Elsewhere: there})
	m := b.Meter(here, named("Age", "a", "b"), "Milliseconds")
	flush := func() {
		t.Helper()
		b.clock.Advance(time.Minute)
		if err := b.flush(t.Context(), b.clock.Now().Unix()); (err != nil) != there.fail {
			t.Error(err)
		}
	}
	m.Record(1)
	flush()
	m.Record(2)
	m.Record(2)
	there.fail = false
	flush()
	if len(there.got) != 2 || b.rowCounts() != [tiers]int{} {
		t.Fatalf("%+v, %v", there.got, b.rowCounts())
	}
	values, counts, known := there.got[1].Values()
	if fmt.Sprint(values, counts, known) != "[2] [2] true" || there.got[1].Time != noon.Add(time.Minute).Local() || there.got[1].Unit != "Milliseconds" {
		t.Errorf("%v %v %v %+v", values, counts, known, there.got[1])
	}
	there.fail = true
	m.Record(3)
	for range 16 {
		flush()
	}
	if len(b.cells) != 0 {
		t.Errorf("%d cells are kept for nobody", len(b.cells))
	}
}
