package mapping

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/stream"
)

var noon = time.Date(2026, 9, 19, 12, 0, 0, 0, time.UTC)

// aged returns records of the given ages at noon.
func aged(ages ...time.Duration) []stream.Record {
	records := make([]stream.Record, len(ages))
	for i, age := range ages {
		records[i] = stream.Record{Position: stream.Position(i+1) << 16, Arrival: noon.Add(-age)}
	}
	return records
}

func (a action) String() string {
	switch a.kind {
	case attempt:
		return "attempt"
	case advance:
		return fmt.Sprintf("advance %d", a.n)
	case giveUp:
		return fmt.Sprintf("give up %d for %s", a.n, or(string(a.why), "retention"))
	case split:
		return fmt.Sprintf("split after %d", a.n)
	case wait:
		return fmt.Sprintf("wait %s", a.after)
	}
	return "no action"
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Facts: 5.1.1, 5.1.2, 5.1.3, 5.1.4.
func TestVerdict(t *testing.T) {
	const s, m = time.Second, time.Minute
	usual := backoff{Base: 200 * time.Millisecond, Cap: m}
	forever := policy{retries: Forever, backoff: usual}
	never := policy{retries: 0, backoff: usual}
	twice := policy{retries: 2, backoff: usual}
	bisecting := policy{retries: 0, bisect: true, backoff: usual}
	minute := policy{retries: 2, age: m, backoff: usual}
	kept := policy{retries: Forever, retention: m, backoff: usual}
	keptLonger := policy{retries: Forever, age: m, retention: 24 * time.Hour, backoff: usual}
	keptShorter := policy{retries: Forever, age: 2 * m, retention: m, backoff: usual}
	early := policy{retries: Forever, age: m, backoff: usual, early: 0.25}

	for _, c := range []struct {
		name    string
		policy  policy
		batch   batch
		outcome outcome
		want    string
	}{
		{"due", forever, batch{records: aged(0, 0)}, untried, "attempt"},
		{"delivered", forever, batch{records: aged(0, 0)}, delivered, "advance 2"},
		{"progressed", never, batch{records: aged(0, 0, 0), taken: 2}, progressed, "advance 2"},
		{"progressed although too old", minute, batch{records: aged(2*m, m), taken: 1}, progressed, "advance 1"},
		{"progressed with bisection", bisecting, batch{records: aged(0, 0, 0, 0), taken: 1}, progressed, "advance 1"},
		{"delivered although too old", minute, batch{records: aged(2*m, 0)}, delivered, "advance 2"},

		{"refused, and early", early, batch{records: aged(0), attempts: 1, refusals: 3}, refused, "wait 600ms"},
		{"failed, and never early", early, batch{records: aged(0), attempts: 3}, failed, "wait 800ms"},
		{"early, but not for what expires", early, batch{records: aged(59 * s), refusals: 9}, refused, "wait 1s"},
		{"first retry", forever, batch{records: aged(0), attempts: 1}, failed, "wait 200ms"},
		{"second retry", forever, batch{records: aged(0), attempts: 2}, failed, "wait 400ms"},
		{"ninth retry", forever, batch{records: aged(0), attempts: 9}, failed, "wait 51.2s"},
		{"tenth retry", forever, batch{records: aged(0), attempts: 10}, failed, "wait 1m0s"},
		{"millionth retry", forever, batch{records: aged(0), attempts: 1_000_000}, failed, "wait 1m0s"},
		{"no retries", never, batch{records: aged(0, 0), attempts: 1}, failed, "give up 2 for RetryAttemptsExhausted"},
		{"retries left", twice, batch{records: aged(0), attempts: 2}, failed, "wait 400ms"},
		{"retries used up", twice, batch{records: aged(0), attempts: 3}, failed, "give up 1 for RetryAttemptsExhausted"},
		{"too large", never, batch{records: aged(0), attempts: 1}, oversized, "give up 1 for RetryAttemptsExhausted"},

		{"refused", never, batch{records: aged(0), refusals: 1}, refused, "wait 200ms"},
		{"refused often", never, batch{records: aged(0), refusals: 4}, refused, "wait 1.6s"},
		{"refused after retries", twice, batch{records: aged(0), attempts: 2, refusals: 1}, refused, "wait 200ms"},

		{"split two", bisecting, batch{records: aged(0, 0), attempts: 1}, failed, "split after 1"},
		{"split odd", bisecting, batch{records: aged(0, 0, 0), attempts: 1}, failed, "split after 1"},
		{"split five", bisecting, batch{records: aged(0, 0, 0, 0, 0), attempts: 1}, failed, "split after 2"},
		{"split too large", bisecting, batch{records: aged(0, 0), attempts: 1}, oversized, "split after 1"},
		{"nothing to split", bisecting, batch{records: aged(0), attempts: 1}, failed, "give up 1 for RetryAttemptsExhausted"},
		{"no split when refused", bisecting, batch{records: aged(0, 0), refusals: 1}, refused, "wait 200ms"},
		{"cut to fit", forever, batch{records: aged(0, 0, 0), fits: 2}, overfull, "split after 2"},

		{"age just below", minute, batch{records: aged(m - 1)}, untried, "attempt"},
		{"age just reached", minute, batch{records: aged(m)}, untried, "give up 1 for RecordAgeExceeded"},
		{"front too old", minute, batch{records: aged(m+s, m, s)}, untried, "give up 2 for RecordAgeExceeded; attempt"},
		{"only the front", minute, batch{records: aged(m, s, m)}, untried, "give up 1 for RecordAgeExceeded; attempt"},
		{"all too old", minute, batch{records: aged(m, m)}, untried, "give up 2 for RecordAgeExceeded"},
		{"front too old, retry", minute, batch{records: aged(m, s), attempts: 1}, failed, "give up 1 for RecordAgeExceeded; wait 200ms"},
		{"age before count", minute, batch{records: aged(m, s), attempts: 3}, failed, "give up 1 for RecordAgeExceeded; give up 1 for RetryAttemptsExhausted"},
		{"age and not count", minute, batch{records: aged(m, m), attempts: 3}, failed, "give up 2 for RecordAgeExceeded"},
		{"too old while refused", minute, batch{records: aged(m), refusals: 9}, refused, "give up 1 for RecordAgeExceeded"},
		{"no use in waiting longer", keptLonger, batch{records: aged(59*s, 50*s), attempts: 7}, failed, "wait 10s"},

		{"forgotten by the stream", kept, batch{records: aged(m, s)}, untried, "give up 1 for retention; attempt"},
		{"age comes before retention", keptLonger, batch{records: aged(25 * time.Hour)}, untried, "give up 1 for RecordAgeExceeded"},
		{"retention comes before age", keptShorter, batch{records: aged(3 * m)}, untried, "give up 1 for retention"},
	} {
		var got []string
		for _, a := range verdict(&c.batch, c.outcome, c.policy, noon) {
			got = append(got, a.String())
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}

// TestClosing decides about final invocations. The window has ended at noon, or as long before it.
// Facts: 3.3.6.
func TestClosing(t *testing.T) {
	const s, m = time.Second, time.Minute
	usual := backoff{Base: 200 * time.Millisecond, Cap: m}
	forever := policy{retries: Forever, bisect: true, backoff: usual}
	once := policy{retries: 1, age: m, retention: time.Hour, backoff: usual}
	kept := policy{retries: Forever, retention: time.Hour, backoff: usual}
	for _, c := range []struct {
		name    string
		policy  policy
		batch   batch
		outcome outcome
		ended   time.Duration // before noon
		want    string
	}{
		{"due", forever, batch{}, untried, s, "attempt"},
		{"due before its end", once, batch{}, untried, -10 * m, "attempt"},
		{"delivered", once, batch{attempts: 1}, delivered, 2 * m, "advance 0"},
		{"first retry", once, batch{attempts: 1}, failed, s, "wait 200ms"},
		{"retries used up", once, batch{attempts: 2}, failed, s, "give up 0 for RetryAttemptsExhausted"},
		{"too large", once, batch{attempts: 2}, oversized, s, "give up 0 for RetryAttemptsExhausted"},
		{"nothing to split", forever, batch{attempts: 3}, failed, s, "wait 800ms"},
		{"refused", once, batch{attempts: 1, refusals: 3}, refused, s, "wait 800ms"},
		{"refused, and early", policy{retries: 1, backoff: usual, early: 0.25}, batch{refusals: 3}, refused, s, "wait 600ms"},
		{"age before count", once, batch{attempts: 2}, failed, m, "give up 0 for RecordAgeExceeded"},
		{"asked once, however old", once, batch{}, untried, 2 * time.Hour, "attempt"},
		{"too old for a retry", once, batch{attempts: 1}, untried, m, "give up 0 for RecordAgeExceeded"},
		{"too old after throttles", once, batch{refusals: 2}, refused, m, "give up 0 for RecordAgeExceeded"},
		{"no use in waiting longer", once, batch{attempts: 1, refusals: 9}, refused, 59 * s, "wait 1s"},
		{"forgotten", kept, batch{attempts: 70}, failed, time.Hour, "give up 0 for retention"},
	} {
		if got := closing(&c.batch, c.outcome, c.policy, noon.Add(-c.ended), noon).String(); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}

// model works batches off as a lane does, but against a function that is made of chance, and remembers what happened.
type model struct {
	policy    policy
	now       time.Time
	random    *rand.Rand
	poison    map[stream.Position]bool
	steady    bool // the function fails for poison only, and is always reached
	partial   bool // it names the poison record, and what comes before that is done
	attempts  int
	failures  map[[2]stream.Position]int // of batches from one record to another
	ended     []stream.Position          // in the order in which they were, one way or the other
	delivered []stream.Position
	discarded []stream.Position
	rest      int // actions that may still happen
}

func (m *model) answer(b *batch) outcome {
	if !m.steady && m.random.IntN(8) == 0 {
		b.refusals++
		return refused
	}
	b.refusals = 0
	m.attempts++
	failing := !m.steady && m.random.IntN(10) == 0
	bad := slices.IndexFunc(b.records, func(r stream.Record) bool { return m.poison[r.Position] })
	switch {
	case !failing && bad < 0:
		return delivered
	case !failing && m.partial && bad > 0:
		b.taken = bad
		return progressed
	}
	b.attempts++
	return failed
}

// count keeps its own account of how often just these records have failed together, apart from the batch's.
func (m *model) count(b *batch, o outcome) string {
	if !o.counts() || m.policy.retries == Forever {
		return ""
	}
	same := [2]stream.Position{b.records[0].Position, b.last().Position}
	m.failures[same]++
	if n := m.failures[same]; n > m.policy.retries+1 {
		return fmt.Sprintf("%d failed attempts of the same records with %d retries", n, m.policy.retries)
	}
	return ""
}

// carry works one batch off and returns what is wrong with how it went, or "".
func (m *model) carry(whole batch) string {
	stack, last := []batch{whole}, untried
	for len(stack) > 0 {
		if m.rest--; m.rest < 0 {
			return "it does not come to an end"
		}
		b, next := &stack[len(stack)-1], untried
		if m.policy.retries != Forever && b.attempts > m.policy.retries+1 {
			return fmt.Sprintf("%d attempts with %d retries", b.attempts, m.policy.retries)
		}
		left := len(b.records)
		for _, a := range verdict(b, last, m.policy, m.now) {
			switch a.kind {
			case attempt:
				next = m.answer(b)
				if wrong := m.count(b, next); wrong != "" {
					return wrong
				}
			case wait:
				if a.after <= 0 || a.after > m.policy.backoff.Cap {
					return fmt.Sprintf("a wait of %s", a.after)
				}
				m.now = m.now.Add(a.after)
			case advance, giveUp:
				if a.n < 1 || a.n > left {
					return fmt.Sprintf("%v of %d records", a, left)
				}
				for i := range b.records[:a.n] {
					m.ended = append(m.ended, b.records[i].Position)
					if a.kind == advance {
						m.delivered = append(m.delivered, b.records[i].Position)
					} else {
						m.discarded = append(m.discarded, b.records[i].Position)
					}
				}
				left -= a.n
				b.records = b.records[a.n:] // drop would clear what the test still reads
				if a.kind == advance {
					b.renew()
				}
			case split:
				if a.n < 1 || a.n >= left {
					return fmt.Sprintf("%v of %d records", a, left)
				}
				l, r := b.split(a.n)
				stack = append(stack[:len(stack)-1], r, l)
			}
		}
		if top := len(stack) - 1; len(stack[top].records) == 0 {
			stack = stack[:top]
		}
		last = next
	}
	return ""
}

// TestVerdictProperties lets chance make batches, policies and functions, some of which say which records they have
// taken. Whatever they are, each record is delivered or given up (for its retries, its age or the stream's retention)
// exactly once and in order, and no batch is attempted more often than it may be.
// Facts: 5.2.1.
func TestVerdictProperties(t *testing.T) {
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 1))
		m := &model{
			policy: policy{retries: random.IntN(5) - 1, bisect: random.IntN(2) == 0, backoff: backoff{Base: 200 * time.Millisecond, Cap: time.Minute}},
			now:    noon, random: random, poison: map[stream.Position]bool{}, failures: map[[2]stream.Position]int{}, rest: 5000, partial: random.IntN(2) == 0,
		}
		if m.policy.retries == Forever || random.IntN(2) == 0 {
			m.policy.age = time.Duration(60+random.IntN(600)) * time.Second
		}
		if random.IntN(3) == 0 {
			m.policy.retention = time.Duration(60+random.IntN(600)) * time.Second
		}
		var ages []time.Duration
		for range 1 + random.IntN(30) {
			ages = append(ages, time.Duration(random.IntN(90))*time.Second)
		}
		slices.Sort(ages)
		slices.Reverse(ages)
		records := aged(ages...)
		for i := range records {
			m.poison[records[i].Position] = random.IntN(8) == 0
		}
		if wrong := m.carry(batch{records: slices.Clone(records)}); wrong != "" {
			t.Fatalf("seed %d: %s", seed, wrong)
		}
		if !slices.EqualFunc(m.ended, records, func(p stream.Position, r stream.Record) bool { return p == r.Position }) {
			t.Fatalf("seed %d: %d records are not accounted for once each and in order: %v", seed, len(records), m.ended)
		}
		for _, p := range m.delivered {
			if m.poison[p] {
				t.Fatalf("seed %d: a poison record was delivered", seed)
			}
		}
	}
}

// TestBisectionIsolates says the last part of the promise exactly: without age and with a function that fails for its
// poison records only, bisection gives up these and no others.
// Facts: 5.5.4.
func TestBisectionIsolates(t *testing.T) {
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 2))
		records := aged(make([]time.Duration, 1+random.IntN(100))...)
		m := &model{
			policy: policy{retries: random.IntN(3), bisect: true, backoff: backoff{Base: 1, Cap: 1}},
			now:    noon, random: random, steady: true, partial: random.IntN(2) == 0, poison: map[stream.Position]bool{},
			failures: map[[2]stream.Position]int{}, rest: 5000,
		}
		var poison []stream.Position
		for i := range records {
			if random.IntN(10) == 0 {
				poison = append(poison, records[i].Position)
				m.poison[records[i].Position] = true
			}
		}
		if wrong := m.carry(batch{records: records}); wrong != "" {
			t.Fatalf("seed %d: %s", seed, wrong)
		}
		if !slices.Equal(poison, m.discarded) {
			t.Fatalf("seed %d: %v are poison, %v were given up", seed, poison, m.discarded)
		}
		if most := 1 + len(poison)*(2*7+1+m.policy.retries); m.attempts > most {
			t.Fatalf("seed %d: %d attempts for %d poison records, more than %d", seed, m.attempts, len(poison), most)
		}
	}
}
