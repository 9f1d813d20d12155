package alarm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/storetest"
)

var late = Name{"123456789012", "eu-west-1", "late"}

const topic = "arn:aws:sns:eu-west-1:123456789012:t"

// world is what alarms watch, and what they tell.
type world struct {
	mu    sync.Mutex
	value *float64 // of every period; nil for none
	fail  int      // how often telling fails
	slow  string   // targets that begin so are told when release is closed, and not before
	told  []string

	release chan struct{}
	asked   int // how many slow ones
}

func (w *world) Values(_ context.Context, _, _ string, queries []Query, from, until time.Time) ([]Value, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var values []Value
	for at := from; w.value != nil && at.Before(until); at = at.Add(time.Duration(queries[0].Period) * time.Second) {
		values = append(values, Value{at, *w.value})
	}
	return values, nil
}

func (w *world) Act(ctx context.Context, target string, e Event) error {
	w.mu.Lock()
	if w.slow != "" && strings.HasPrefix(target, w.slow) {
		w.asked++
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.release:
		}
		w.mu.Lock()
	}
	defer w.mu.Unlock()
	if w.fail > 0 {
		w.fail--
		return errors.New("nobody there")
	}
	w.told = append(w.told, fmt.Sprintf("%s: %s -> %s", target, e.Previous.State, e.Alarm.State))
	return nil
}

// is sets what every period shows.
func (w *world) is(v float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.value = &v
}

// begun is how many slow ones have been begun.
func (w *world) begun() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

func (w *world) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := strings.Join(w.told, ", ")
	w.told = nil
	return told
}

// run runs a room over a store until stop.
func run(t *testing.T, tables store.Tables, w *world) (s *Service, stop func()) {
	t.Helper()
	s, err := New(t.Context(), Config{Store: tables, Clock: clockwork.NewRealClock(), Reader: w, Actor: w})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func definition() Definition {
	return Definition{
		Actions: []string{topic}, OKActions: []string{topic + "-ok"}, Simple: true, Periods: 2, Datapoints: 2, Threshold: 1, Comparison: "GreaterThanThreshold",
		Queries: []Query{{ID: "m1", Namespace: "N", Metric: "m", Period: 60, Stat: "Sum"}},
	}
}

// inBubble runs a test in virtual time with a store that can be put in doubt.
func inBubble(t *testing.T, test func(t *testing.T, d *storetest.Doubtful, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		engine, err := disk.Open(disk.Options{Memory: true, ReserveBytes: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer engine.Close()
		test(t, &storetest.Doubtful{Store: engine}, new(world))
	})
}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (s *Service) expect(t *testing.T, want State) {
	t.Helper()
	a, err := s.Get(late)
	if err != nil || a.State != want {
		t.Errorf("%s, %v: not %s", a.State, err, want)
	}
}

// An alarm follows its metric once a minute, and tells of each change once.
func TestAlarm(t *testing.T) {
	inBubble(t, func(t *testing.T, d *storetest.Doubtful, w *world) {
		s, stop := run(t, d, w)
		defer func() { stop() }()
		if err := s.Put(t.Context(), late, definition(), map[string]string{"a": "b"}); err != nil {
			t.Fatal(err)
		}
		told := func(want string) {
			t.Helper()
			if got := w.take(); got != want {
				t.Errorf("told %q, not %q", got, want)
			}
		}
		pass(2 * time.Minute)
		s.expect(t, Unknown)
		told("")
		w.is(5)
		pass(61 * time.Second)
		s.expect(t, Alarming)
		told(topic + ": INSUFFICIENT_DATA -> ALARM")
		pass(5 * time.Minute)
		told("")
		stop()
		s, stop = run(t, d, w)
		s.expect(t, Alarming)
		w.is(0)
		pass(61 * time.Second)
		s.expect(t, OK)
		told(topic + "-ok: ALARM -> OK")
		if err := s.SetState(t.Context(), late, Alarming, "a test", ""); err != nil {
			t.Fatal(err)
		}
		s.expect(t, Alarming)
		pass(61 * time.Second)
		s.expect(t, OK)
		told(topic + ": OK -> ALARM, " + topic + "-ok: ALARM -> OK")
		if err := s.Mute(t.Context(), late, true); err != nil {
			t.Fatal(err)
		}
		w.is(5)
		pass(61 * time.Second)
		s.expect(t, Alarming)
		told("")
		items, err := s.History(t.Context(), late)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, i := range items {
			kinds = append(kinds, i.Kind[:1])
		}
		if got := strings.Join(kinds, ""); got != "CSASASSAAS" && got != "CSASASASAS" {
			t.Errorf("history %s", got)
		}
		if err := s.Delete(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		if items, err := s.History(t.Context(), late); err != nil || len(items) != 0 {
			t.Errorf("%v %v", items, err)
		}
	})
}

// An action that fails is tried again, also after a restart, and given up at last; the history is bounded.
func TestActions(t *testing.T) {
	inBubble(t, func(t *testing.T, d *storetest.Doubtful, w *world) {
		s, stop := run(t, d, w)
		defer func() { stop() }()
		if err := s.Put(t.Context(), late, definition(), nil); err != nil {
			t.Fatal(err)
		}
		w.fail = 1
		if err := s.SetState(t.Context(), late, Alarming, "a test", ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		if told := w.take(); told != "" {
			t.Errorf("told %q", told)
		}
		s, stop = run(t, d, w)
		pass(30 * time.Second)
		if told := w.take(); told != topic+": INSUFFICIENT_DATA -> ALARM" {
			t.Errorf("told %q", told)
		}
		w.mu.Lock()
		w.fail = 100
		w.mu.Unlock()
		if err := s.SetState(t.Context(), late, OK, "a test", ""); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		w.mu.Lock()
		if w.fail != 97 {
			t.Errorf("%d tries", 100-w.fail)
		}
		w.mu.Unlock()
		for i := range 2 * maxHistory {
			if err := s.SetState(t.Context(), late, []State{OK, Alarming}[i%2], "a test", ""); err != nil {
				t.Fatal(err)
			}
		}
		items, err := s.History(t.Context(), late)
		if err != nil || len(items) != maxHistory {
			t.Errorf("%d items, %v", len(items), err)
		}
		if r, err := s.find(late); err != nil || len(r.Pending) > maxPending {
			t.Errorf("%d actions wait, %v", len(r.Pending), err)
		}
	})
}

// A slow action delays none of other alarms, up to a bound, and those of its own alarm keep their order. A stop cuts it off, and
// the next run begins it anew.
func TestSlowActions(t *testing.T) {
	inBubble(t, func(t *testing.T, d *storetest.Doubtful, w *world) {
		w.slow, w.release = "arn:slow", make(chan struct{})
		s, stop := run(t, d, w)
		defer func() { stop() }()
		turn := func(name string, state State, target string) {
			t.Helper()
			n, def := Name{late.Account, late.Region, name}, definition()
			def.Actions, def.OKActions = []string{target}, []string{target + "-ok"}
			if err := errors.Join(s.Put(t.Context(), n, def, nil), s.SetState(t.Context(), n, state, "a test", "")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		turn("slow", Alarming, "arn:slow")
		turn("slow", OK, "arn:slow")
		turn("quick", Alarming, "arn:quick")
		if told := w.take(); told != "arn:quick: INSUFFICIENT_DATA -> ALARM" {
			t.Errorf("beside a slow one: told %q", told)
		}
		for i := range maxActing {
			turn(fmt.Sprint("slow", i), Alarming, fmt.Sprint("arn:slow", i))
		}
		if n := w.begun(); n != maxActing {
			t.Errorf("%d at the same time", n)
		}
		stop()
		s, stop = run(t, d, w)
		synctest.Wait()
		close(w.release)
		synctest.Wait()
		told := w.take()
		if first, second := strings.Index(told, "arn:slow: "), strings.Index(told, "arn:slow-ok: "); first < 0 || second < first || strings.Count(told, "arn:slow") != maxActing+2 {
			t.Errorf("told %q", told)
		}
		items, err := s.History(t.Context(), Name{late.Account, late.Region, "slow"})
		if err != nil || len(items) < 2 {
			t.Fatal(items, err)
		}
		for i, want := range []string{"action arn:slow", "action arn:slow-ok"} {
			if got := items[len(items)-2+i]; !strings.HasSuffix(got.Summary, want) {
				t.Errorf("history %d: %s", i, got.Summary)
			}
		}
	})
}

// An action of which it cannot be noted that it was carried out is carried out again, but not at once.
func TestActionIsNotNoted(t *testing.T) {
	inBubble(t, func(t *testing.T, d *storetest.Doubtful, w *world) {
		w.slow, w.release = "arn:", make(chan struct{})
		s, stop := run(t, d, w)
		defer stop()
		if err := errors.Join(s.Put(t.Context(), late, definition(), nil), s.SetState(t.Context(), late, Alarming, "a test", "")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		d.Doubt(tableAlarms, storetest.Never)
		close(w.release)
		pass(actionWait - time.Second)
		if n := w.begun(); n != 1 {
			t.Errorf("tried %d times at once", n)
		}
		pass(2 * time.Second)
		if r, err := s.find(late); err != nil || w.begun() != 2 || len(r.Pending) > 0 {
			t.Errorf("tried %d times, %v", w.begun(), err)
		}
	})
}

// What became of a change in doubt is found out.
func TestDoubts(t *testing.T) {
	for _, fate := range storetest.Fates {
		inBubble(t, func(t *testing.T, d *storetest.Doubtful, w *world) {
			s, stop := run(t, d, w)
			defer stop()
			doubt := func(err error) {
				t.Helper()
				if !errors.Is(err, storetest.ErrDoubt) {
					t.Fatalf("not in doubt: %v", err)
				}
				pass(2 * time.Second)
			}
			made := fate != storetest.Never
			d.Doubt(tableAlarms, fate)
			doubt(s.Put(t.Context(), late, definition(), nil))
			if _, err := s.Get(late); (err == nil) != made {
				t.Errorf("created: %v", err)
			}
			if err := s.Put(t.Context(), late, definition(), nil); err != nil {
				t.Fatal(err)
			}
			d.Doubt(tableAlarms, fate)
			doubt(s.Delete(t.Context(), late))
			if _, err := s.Get(late); (err != nil) != made {
				t.Errorf("deleted: %v", err)
			}
		})
	}
}
