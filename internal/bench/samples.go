package bench

import (
	"slices"
	"time"
)

// samples are durations. They are bounded: when full, every second one is dropped and from then on only every second
// new one kept, and so on, so that the percentiles stay fair.
type samples struct {
	kept  []time.Duration
	seen  int
	every int
}

const mostSamples = 1 << 18

func (s *samples) add(d time.Duration) {
	if s.every == 0 {
		s.every = 1
	}
	if s.seen%s.every == 0 {
		if len(s.kept) == mostSamples {
			half := s.kept[:0]
			for i := 0; i < len(s.kept); i += 2 {
				half = append(half, s.kept[i])
			}
			s.kept = half
			s.every *= 2
		}
		s.kept = append(s.kept, d)
	}
	s.seen++
}

func (s *samples) merge(other *samples) {
	s.kept = append(s.kept, other.kept...)
	s.seen += other.seen
}

func (s *samples) count() int { return s.seen }

func (s *samples) latency() Latency {
	if len(s.kept) == 0 {
		return Latency{}
	}
	slices.Sort(s.kept)
	at := func(p float64) float64 {
		return float64(s.kept[int(p*float64(len(s.kept)-1))].Microseconds()) / 1000
	}
	return Latency{Count: s.seen, P50: at(0.50), P99: at(0.99)}
}

// timer measures one run.
type timer struct {
	started time.Time
	length  time.Duration
}

func startTimer(seconds float64) timer {
	return timer{time.Now(), time.Duration(seconds * float64(time.Second))}
}

func (t timer) elapsed() time.Duration { return time.Since(t.started) }
func (t timer) running() bool          { return t.elapsed() < t.length }
