package stream

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestMeter(t *testing.T) {
	const (
		mib  = 1 << 20
		full = 30 * shardRecords // of a window
	)
	even := func(bytes, records int64) load {
		return load{bytes: [2]int64{bytes / 2, bytes / 2}, records: [2]int64{records / 2, records / 2}}
	}
	one := func(records int64) load { return load{records: [2]int64{0, records}} }
	for name, c := range map[string]struct {
		windows []load
		want    string // of each window: - or s for a split
	}{
		"idle":                    {[]load{{}, {}, {}}, "---"},
		"just what it carries":    {[]load{even(30*mib, full), even(30*mib, full), even(30*mib, full)}, "---"},
		"more records":            {[]load{even(0, full+2), even(0, full+2), even(0, full+2)}, "-ss"},
		"more bytes":              {[]load{even(30*mib+2, 30), even(30*mib+2, 30)}, "-s"},
		"a peak":                  {[]load{even(0, 10*full), {}, even(0, 10*full), {}}, "----"},
		"rising":                  {[]load{even(0, full/2), even(0, 2*full), even(0, 4*full)}, "--s"},
		"one hot key":             {[]load{one(9 * full), one(9 * full), one(9 * full)}, "---"},
		"a hot key beside others": {[]load{even(0, 8*full), {records: [2]int64{7 * full, full}}}, "-s"},
	} {
		m, total, now, got := meter{}, load{}, time.Unix(1700000000, 0), ""
		m, split := m.observe(total, now)
		if split {
			t.Errorf("%s: split at first sight", name)
		}
		for _, w := range c.windows {
			total = total.minus(load{}.minus(w))
			now = now.Add(loadWindow)
			if m, split = m.observe(total, now); split {
				got += "s"
			} else {
				got += "-"
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if _, split := (meter{at: time.Unix(1700000000, 0), above: 5}).observe(even(0, full*9), time.Unix(1600000000, 0)); split {
		t.Error("split by a clock that was set back")
	}
}

// TestOnDemandStreamScales writes to one of four shards more than it carries. It is split in two, and again; what is
// within bounds is left alone.
func TestOnDemandStreamScales(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Second})
		for _, name := range []string{"s", "provisioned"} {
			o := CreateOptions{}
			if name == "provisioned" {
				o.ShardCount = 4
			}
			if err := r.Create(t.Context(), named(name), o); err != nil {
				t.Fatal(err)
			}
		}
		r.pass(2 * time.Second)
		shards := r.describe("s").Shards
		// write puts n records a second for a time, evenly over the range of shard 1, and a few to the last shard.
		write := func(name string, n int, d time.Duration) {
			t.Helper()
			lower, upper := shards[1].Range.Start, shards[1].Range.at(t)
			for range int(d / time.Second) {
				for sent := 0; sent < n; sent += 400 {
					list := make([]Entry, 0, 401)
					for i := range 200 {
						a, b := lower, upper
						a[15], b[15] = byte(i), byte(i)
						list = append(list, Entry{ExplicitHashKey: &a, PartitionKey: fmt.Sprint(i)}, Entry{ExplicitHashKey: &b, PartitionKey: "k"})
					}
					list = append(list, Entry{ExplicitHashKey: &shards[3].Range.Start, PartitionKey: "k"})
					if _, err := r.Put(t.Context(), named(name), list); err != nil {
						t.Fatal(err)
					}
				}
				r.pass(time.Second)
			}
		}
		write("s", 800, 90*time.Second)
		if got := shape(r.describe("s").Shards); got != "0 1 2 3" {
			t.Errorf("within bounds: %s", got)
		}
		write("s", 1200, 95*time.Second)
		st := r.describe("s")
		if got := shape(st.Shards); got != "0 1x 2 3 4<1 5<1" {
			t.Fatalf("under load: %s", got)
		}
		checkCover(t, st.Shards)
		write("s", 1200, 65*time.Second)
		if got := shape(r.describe("s").Shards); got != "0 1x 2 3 4<1 5<1" {
			t.Errorf("its children have enough room: %s", got)
		}
		write("provisioned", 1200, 65*time.Second)
		if got := shape(r.describe("provisioned").Shards); got != "0 1 2 3" {
			t.Errorf("a provisioned stream: %s", got)
		}
		r.stop()
	})
}

func TestOnDemandStreamHasItsLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{ShardLimit: 6})
		if err := r.Create(t.Context(), named("s"), CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		r.pass(2 * time.Second)
		l, _ := r.find(named("s"))
		if err := r.splitHot(t.Context(), l, []uint32{0, 1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		r.pass(2 * time.Second)
		if got := shape(r.describe("s").Shards); got != "0x 1x 2 3 4<0 5<0 6<1 7<1" {
			t.Errorf("room for two more: %s", got)
		}
		if err := r.splitHot(t.Context(), l, []uint32{0, 2}); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusActive)
		r.stop()
	})
}
