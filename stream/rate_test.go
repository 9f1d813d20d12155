package stream

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// at is a moment in the second in which a test of rates begins.
func at(d time.Duration) int64 { return time.Unix(1700000000, 0).Add(d).UnixNano() }

const ms = time.Millisecond

func TestInflow(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	type put struct {
		at   time.Duration
		n    int // records
		size int // of each
		want int // how many are taken
	}
	for name, puts := range map[string][]put{
		"a second's worth of bytes":     {{0, 5, 256 * kib, 4}},
		"one record of all":             {{0, 2, mib, 1}, {999 * ms, 1, mib, 0}, {1000 * ms, 1, mib, 1}},
		"a second's worth of records":   {{0, 1200, 1, 1000}, {0, 1, 0, 0}, {1 * ms, 2, 1, 1}, {101 * ms, 200, 1, 100}},
		"records of 1 KiB":              {{0, 1200, kib, 1000}},
		"bytes come back evenly":        {{0, 4, 256 * kib, 4}, {249 * ms, 1, 256 * kib, 0}, {250 * ms, 2, 256 * kib, 1}, {1250 * ms, 5, 256 * kib, 4}},
		"a small one behind a big one":  {{0, 1, 800 * kib, 1}, {0, 1, 300 * kib, 0}, {0, 1, 200 * kib, 1}},
		"nothing is saved up for these": {{time.Hour, 5, 256 * kib, 4}},
		"empty ones count":              {{0, 1001, 0, 1000}},

		"the largest record":              {{0, 2, 10 * mib, 1}, {9999 * ms, 1, 10 * mib, 0}, {10 * time.Second, 1, 10 * mib, 1}},
		"it takes its second":             {{0, 1, 10 * mib, 1}, {0, 1, 1, 0}, {500 * ms, 3, 256 * kib, 2}, {1500 * ms, 5, 256 * kib, 4}},
		"several that fit":                {{0, 8, 2 * mib, 5}, {2 * time.Second, 2, 2 * mib, 1}},
		"just above 1 MiB":                {{0, 11, mib + 1, 9}},
		"what is written is not saved":    {{0, 1, 10 * mib, 1}, {time.Second, 4, 256 * kib, 4}, {2 * time.Second, 4, 256 * kib, 4}, {11 * time.Second, 1, 10 * mib, 0}, {12 * time.Second, 1, 10 * mib, 1}},
		"a full second without any saved": {{0, 1, 10 * mib, 1}, {time.Second, 5, 256 * kib, 4}, {2 * time.Second, 5, 256 * kib, 4}, {3 * time.Second, 1, 1*mib + 1, 0}},
		"large ones count as records":     {{0, 1000, 1, 1000}, {0, 1, 2 * mib, 0}, {1 * ms, 1, 2 * mib, 1}},
	} {
		var f inflow
		for i, p := range puts {
			got := 0
			for range p.n {
				if f.take(p.size, at(p.at)) {
					got++
				}
			}
			if got != p.want {
				t.Errorf("%s: step %d: %d taken of %d with %d bytes at %s, want %d", name, i, got, p.n, p.size, p.at, p.want)
			}
		}
	}
}

// TestInflowOverTime offers more than a shard takes, in every size, for minutes: what is taken stays within the limits.
func TestInflowOverTime(t *testing.T) {
	const seconds = 120
	for _, size := range []int{0, 1, 100, 1 << 10, 1049, 300_000, 1 << 20, 1<<20 + 1, 3 << 20, 10 << 20} {
		var f inflow
		bytes, records := 0, 0
		for now := time.Duration(0); now < seconds*time.Second; now += 500 * time.Microsecond {
			if f.take(size, at(now)) {
				bytes += size
				records++
			}
		}
		burst := shardBytes
		if size > shardBytes {
			burst = burstSeconds * shardBytes
		}
		if bytes > seconds*shardBytes+burst || records > (seconds+1)*shardRecords {
			t.Errorf("size %d: %d bytes and %d records in %d s", size, bytes, records, seconds)
		}
		if bytes < (seconds-2)*shardBytes && records < (seconds-2)*shardRecords && size <= shardBytes {
			t.Errorf("size %d: only %d bytes and %d records in %d s", size, bytes, records, seconds)
		}
	}
}

func TestOutflow(t *testing.T) {
	const mib = 1 << 20
	type answer struct {
		at   time.Duration
		size int // -1: none may be given
	}
	for name, answers := range map[string][]answer{
		"2 MiB, then none for a moment":   {{0, 2 * mib}, {0, -1}, {1 * ms, 1}},
		"bytes come back evenly":          {{0, 2 * mib}, {500 * ms, mib}, {500 * ms, -1}, {501 * ms, 1}},
		"what is left may be overdrawn":   {{0, mib}, {0, 2 * mib}, {400 * ms, -1}, {500 * ms, -1}, {501 * ms, 1}},
		"10 MiB cost five seconds":        {{0, 10 * mib}, {0, -1}, {4999 * ms, -1}, {5 * time.Second, 1}},
		"and five more":                   {{0, 10 * mib}, {5 * time.Second, 10 * mib}, {9999 * ms, -1}, {10 * time.Second, 1}},
		"3 MiB cost their time":           {{0, 3 * mib}, {1499 * ms, -1}, {1500 * ms, 1}},
		"after a large one as before it":  {{0, 4 * mib}, {2 * time.Second, mib}, {2 * time.Second, mib}, {2 * time.Second, -1}},
		"empty answers are free of bytes": {{0, 0}, {0, 0}, {0, 2 * mib}, {0, -1}},
	} {
		var f outflow
		for i, a := range answers {
			if wait := f.wait(at(a.at)); (wait == 0) != (a.size >= 0) {
				t.Errorf("%s: step %d: wait %s at %s", name, i, wait, a.at)
			} else if wait > 0 && (f.wait(at(a.at+wait-1)) == 0 || f.wait(at(a.at+wait)) != 0) {
				t.Errorf("%s: step %d: it is not %s that one has to wait", name, i, wait)
			}
			if a.size >= 0 {
				f.give(a.size, at(a.at))
			}
		}
	}
	var f outflow
	f.give(10*mib, at(0))
	f.give(0, at(0)) // it was begun before the other was given
	if wait := f.wait(at(0)); wait != 5*time.Second {
		t.Errorf("wait %s after two answers that were begun together", wait)
	}
}

func TestCalls(t *testing.T) {
	var c calls
	var got strings.Builder
	for _, d := range []time.Duration{0, 0, 0, 0, 0, 0, 199 * ms, 200 * ms, 200 * ms, 400 * ms, 999 * ms, 999 * ms, 999 * ms, 1000 * ms, 5 * time.Second} {
		fmt.Fprintf(&got, "%v ", c.take(5, at(d)))
	}
	want := "true true true true true false false true false true true true false true true "
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
}
