package function_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
)

const (
	queueARN = "arn:aws:sqs:eu-west-1:123456789012:q"
	deadARN  = "arn:aws:sqs:eu-west-1:123456789012:dead"
)

// post is a Destination that keeps what it gets.
type post struct {
	mu      sync.Mutex
	broken  int // how many times it fails first
	tried   int
	letters []letter
	denied  bool
}

func (p *post) MaySend(r, _ string) error {
	if p.denied || r != role {
		return errors.New("denied")
	}
	return nil
}

type letter struct {
	to string
	function.Notice
}

func (p *post) Send(_ context.Context, to string, n function.Notice) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried++
	if p.broken > 0 {
		p.broken--
		return errors.New("broken")
	}
	p.letters = append(p.letters, letter{to, n})
	return nil
}

// take returns what came since it was called last.
func (p *post) take() []letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.letters
	p.letters = nil
	return taken
}

// ledger notes when a function was invoked, with which payload, and answers.
type ledger struct {
	mu     sync.Mutex
	start  time.Time
	lines  []string
	answer func(payload string) string
}

func (l *ledger) run(spec function.Spec, r function.Request) (bool, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%s %s %s", time.Since(l.start), spec.Function.Name.Name, r.Payload))
	return true, []byte(l.answer(string(r.Payload))), nil
}

// take returns what happened since it was called last.
func (l *ledger) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.lines
	l.lines = nil
	return taken
}

func (l *ledger) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := l.take(); !slices.Equal(got, want) {
		t.Errorf("invoked\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

const failure = `{"errorMessage":"no <way>","errorType":"Exception"}`

// eventually opens a house with an active function f, a ledger and a post; time is counted from the call of begin.
func eventually(t *testing.T, test func(t *testing.T, h *house, l *ledger, p *post), change ...func(*function.Config)) {
	t.Helper()
	p := &post{}
	samples := &eventSamples{}
	change = append([]func(*function.Config){func(c *function.Config) { c.Destination, c.Recorder = p, samples }}, change...)
	inBubble(t, func(t *testing.T, h *house) {
		l := &ledger{answer: func(string) string { return `"done"` }}
		h.executor.set(func(e *executor) { e.run = l.run })
		h.active("f")
		l.start = time.Now()
		test(t, h, l, p)
	}, change...)
}

// eventSamples keeps the metrics about events.
type eventSamples struct {
	mu  sync.Mutex
	all map[function.Metric][]float64
}

func (r *eventSamples) Function(function.Name) function.Samples { return r }

func (r *eventSamples) Record(_ string, m function.Metric, v float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = make(map[function.Metric][]float64)
	}
	r.all[m] = append(r.all[m], v)
}

func (r *eventSamples) expect(t *testing.T, m function.Metric, want ...float64) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.all[m], want) {
		t.Errorf("metric %d is %v, want %v", m, r.all[m], want)
	}
}

func (h *house) metrics() *eventSamples { return h.config.Recorder.(*eventSamples) }

func (h *house) event(payload string) {
	h.t.Helper()
	err := h.functions.InvokeAsync(h.t.Context(), function.Invocation{Ref: ref("f"), RequestID: "id", Payload: []byte(payload)})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) configure(u function.EventConfigUpdate) {
	h.t.Helper()
	if _, err := h.functions.PutEventConfig(h.t.Context(), ref("f"), u); err != nil {
		h.t.Fatal(err)
	}
}

// kept returns how many entries the tables of events have.
func (h *house) kept() (n int) {
	h.t.Helper()
	for _, table := range []string{"function-events", "function-event-payloads"} {
		for _, err := range h.store.Scan(h.t.Context(), table, "", "") {
			if err != nil {
				h.t.Fatal(err)
			}
			n++
		}
	}
	return n
}

func TestEventIsDelivered(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
		h.configure(function.EventConfigUpdate{OnSuccess: new(queueARN), OnFailure: new(deadARN)})
		h.event(`{"a":1}`)
		h.after(0)
		l.expect(t, `0s f {"a":1}`)
		letters := p.take()
		if len(letters) != 1 || letters[0].to != queueARN || letters[0].Role != role {
			t.Fatalf("letters %+v", letters)
		}
		want := `{"version":"1.0","timestamp":"2000-01-01T00:00:01.000Z","requestContext":{"requestId":"id",` +
			`"functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST","condition":"Success","approximateInvokeCount":1},` +
			`"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":"done"}`
		if got := string(letters[0].Body); got != want {
			t.Errorf("document\n%s\nwant\n%s", got, want)
		}
		if n := h.kept(); n != 0 {
			t.Errorf("%d entries left", n)
		}
		h.metrics().expect(t, function.AsyncEventsReceived, 1)
		h.metrics().expect(t, function.AsyncEventAge, 0)
		h.metrics().expect(t, function.AsyncEventsDropped)
	})
}

func TestEventIsRetriedAndGivenUp(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
		l.answer = func(string) string { return failure }
		u := function.ConfigurationUpdate{DeadLetterARN: new(deadARN)}
		if _, err := h.functions.UpdateConfiguration(t.Context(), name("f"), u); err != nil {
			t.Fatal(err)
		}
		h.settle()
		h.configure(function.EventConfigUpdate{OnFailure: new(queueARN)})
		l.start = time.Now()
		h.event(`{"a":1}`)
		h.after(time.Hour)
		l.expect(t, `0s f {"a":1}`, `1m0s f {"a":1}`, `3m0s f {"a":1}`)
		letters := p.take()
		if len(letters) != 2 || letters[0].to != queueARN || letters[1].to != deadARN {
			t.Fatalf("letters %+v", letters)
		}
		want := `"condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":{"a":1},"responseContext":{"statusCode":200,` +
			`"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"no <way>","errorType":"Exception"}}`
		if got := string(letters[0].Body); !strings.HasSuffix(got, want) {
			t.Errorf("document\n%s\nwant\n%s", got, want)
		}
		if got := string(letters[1].Body); got != `{"a":1}` {
			t.Errorf("dead letter %s", got)
		}
		attributes := []function.Attribute{{Name: "RequestID", Type: "String", Text: "id"}, {Name: "ErrorCode", Type: "Number", Text: "200"}, {Name: "ErrorMessage", Type: "String", Text: "no <way>"}}
		if !slices.Equal(letters[1].Attributes, attributes) {
			t.Errorf("attributes %+v", letters[1].Attributes)
		}
		if n := h.kept(); n != 0 {
			t.Errorf("%d entries left", n)
		}
		h.metrics().expect(t, function.AsyncEventsDropped, 1)
		h.metrics().expect(t, function.AsyncEventAge, 0, 60_000, 180_000)
	})
}

func TestEventLimits(t *testing.T) {
	for want, u := range map[string]function.EventConfigUpdate{
		"RetriesExhausted 1": {MaximumRetryAttempts: new(0)},
		"RetriesExhausted 2": {MaximumRetryAttempts: new(1)},
		"EventAgeExceeded 1": {MaximumEventAgeSeconds: new(60 - 1)}, // the second try would be a second too late
		"EventAgeExceeded 2": {MaximumEventAgeSeconds: new(179)},
		"RetriesExhausted 3": {MaximumEventAgeSeconds: new(180)},
	} {
		eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
			l.answer = func(string) string { return failure }
			u.OnFailure = new(queueARN)
			h.configure(u)
			h.event(`1`)
			h.after(time.Hour)
			letters := p.take()
			if len(letters) != 1 {
				t.Fatalf("%s: letters %+v", want, letters)
			}
			var d struct {
				RequestContext struct {
					Condition              string
					ApproximateInvokeCount int
				}
			}
			if err := json.Unmarshal(letters[0].Body, &d); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(d.RequestContext.Condition, " ", d.RequestContext.ApproximateInvokeCount); got != want || fmt.Sprint(len(l.take())) != want[len(want)-1:] {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

func TestEventsAreThrottled(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
		h.configure(function.EventConfigUpdate{MaximumEventAgeSeconds: new(60), OnFailure: new(queueARN)})
		release := make(chan struct{})
		h.executor.set(func(e *executor) {
			e.run = func(spec function.Spec, r function.Request) (bool, []byte, error) {
				if string(r.Payload) == `"slow"` {
					<-release
				}
				return l.run(spec, r)
			}
		})
		if err := h.functions.PutConcurrency(t.Context(), name("f"), 1); err != nil {
			t.Fatal(err)
		}
		h.event(`"slow"`)
		h.after(0)
		h.event(`"patient"`)
		h.after(10 * time.Second) // tries at 0, 1 and 3 seconds; then the window is as small as the function's concurrency
		close(release)
		h.after(10 * time.Second)
		l.expect(t, `10s f "slow"`, `10s f "patient"`)
		if letters := p.take(); letters != nil {
			t.Errorf("letters %+v", letters)
		}

		release = make(chan struct{})
		l.start = time.Now()
		h.event(`"slow"`)
		h.after(0)
		h.event(`"unlucky"`)
		h.after(61 * time.Second)
		close(release)
		h.after(time.Minute)
		l.expect(t, `1m1s f "slow"`)
		letters := p.take()
		if len(letters) != 1 || !strings.Contains(string(letters[0].Body), `"condition":"EventAgeExceeded","approximateInvokeCount":0},"requestPayload":"unlucky"}`) {
			t.Errorf("letters %+v", letters)
		}
	})
}

func TestEventsOfAStoppedFunction(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
		h.configure(function.EventConfigUpdate{OnFailure: new(queueARN)})
		if err := h.functions.PutConcurrency(t.Context(), name("f"), 0); err != nil {
			t.Fatal(err)
		}
		h.event(`1`)
		h.after(0)
		l.expect(t)
		letters := p.take()
		if len(letters) != 1 || !strings.Contains(string(letters[0].Body), `"condition":"ZeroReservedConcurrency","approximateInvokeCount":0},"requestPayload":1}`) {
			t.Errorf("letters %+v", letters)
		}
	})
}

func TestTooManyEvents(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, _ *post) {
		l.answer = func(string) string { return failure }
		h.event(`1`)
		h.event(`2`)
		h.after(0)
		err := h.functions.InvokeAsync(t.Context(), function.Invocation{Ref: ref("f")})
		var throttled *function.ThrottledError
		if !errors.As(err, &throttled) || throttled.Reason != function.InvocationRate {
			t.Errorf("a third event: %v", err)
		}
		h.after(time.Hour) // given up by then
		h.event(`3`)
	}, func(c *function.Config) { c.MaxEvents = 2 })
}

func TestRefusedEvents(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, _ *ledger, _ *post) {
		var (
			large   *function.PayloadTooLargeError
			invalid *function.InvalidPayloadError
		)
		if err := h.functions.InvokeAsync(t.Context(), function.Invocation{Ref: ref("f"), Payload: make([]byte, function.MaxEventBytes+1)}); !errors.As(err, &large) || large.Limit != 1048576 {
			t.Errorf("large: %v", err)
		}
		if err := h.functions.InvokeAsync(t.Context(), function.Invocation{Ref: ref("f"), Payload: []byte("{")}); !errors.As(err, &invalid) {
			t.Errorf("not JSON: %v", err)
		}
		if err := h.functions.InvokeAsync(t.Context(), function.Invocation{Ref: ref("g")}); !errors.Is(err, function.ErrNotFound) {
			t.Errorf("no function: %v", err)
		}
		if n := h.kept(); n != 0 {
			t.Errorf("%d entries", n)
		}
	})
}

func TestBrokenDestination(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
		h.configure(function.EventConfigUpdate{OnSuccess: new(queueARN)})
		p.broken = 2
		h.event(`1`)
		h.after(time.Minute)
		if letters := p.take(); len(letters) != 1 || p.tried != 3 {
			t.Errorf("%d tries, letters %+v", p.tried, letters)
		}
		h.metrics().expect(t, function.DestinationDeliveryFailures)
		p.broken = 3
		h.event(`2`)
		h.after(time.Minute)
		if letters := p.take(); letters != nil || h.kept() != 0 {
			t.Errorf("letters %+v, %d kept", letters, h.kept())
		}
		h.metrics().expect(t, function.DestinationDeliveryFailures, 1)
		l.expect(t, "0s f 1", "1m0s f 2")
	})
}

func TestFunctionAsDestination(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
		h.active("g")
		h.configure(function.EventConfigUpdate{OnSuccess: new(name("g").ARN())})
		l.start = time.Now()
		h.event(`1`)
		h.after(0)
		got := l.take()
		if len(got) != 2 || got[0] != "0s f 1" || !strings.HasPrefix(got[1], `0s g {"version":"1.0"`) {
			t.Errorf("invoked %q", got)
		}
		p.denied = true
		h.event(`3`)
		h.after(time.Minute)
		l.expect(t, "0s f 3")
		h.metrics().expect(t, function.DestinationDeliveryFailures, 1)
		p.denied = false
		if err := h.functions.Delete(t.Context(), name("g")); err != nil {
			t.Fatal(err)
		}
		h.event(`2`)
		h.after(time.Minute)
		h.metrics().expect(t, function.DestinationDeliveryFailures, 1, 1)
	})
}

// TestEventsSurvive stops the room at several moments of an event's life and opens it again.
func TestEventsSurvive(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
		h.configure(function.EventConfigUpdate{OnFailure: new(queueARN)})
		started := make(chan struct{}, 1)
		block := make(chan struct{})
		h.executor.set(func(e *executor) {
			e.run = func(spec function.Spec, r function.Request) (bool, []byte, error) {
				l.run(spec, r)
				started <- struct{}{}
				<-block
				return true, nil, function.ErrStopped
			}
		})
		h.event(`1`)
		<-started // acknowledged and under way
		go func() { close(block) }()
		h.stop()
		l.take()
		l.answer = func(string) string { return failure }
		h.executor.set(func(e *executor) { e.run = l.run })
		h.open()
		h.after(time.Second)
		l.expect(t, "0s f 1")
		h.stop()
		h.after(30 * time.Second)
		h.open()
		h.after(2 * time.Hour)
		l.expect(t, "1m0s f 1", "3m0s f 1")
		if letters := p.take(); len(letters) != 1 || !strings.Contains(string(letters[0].Body), `"approximateInvokeCount":3`) {
			t.Errorf("letters %+v", letters)
		}
	})
}

func TestEventsGoWithTheirFunction(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, _ *post) {
		l.answer = func(string) string { return failure }
		h.event(`1`)
		h.after(0)
		l.expect(t, "0s f 1")
		if err := h.functions.Delete(t.Context(), name("f")); err != nil {
			t.Fatal(err)
		}
		if n := h.kept(); n != 0 {
			t.Errorf("%d entries left", n)
		}
		h.active("f")
		h.after(time.Hour)
		l.expect(t)
		if _, err := h.functions.EventConfig(t.Context(), ref("f")); err == nil {
			t.Error("the configuration is still there")
		}
	})
}

// TestEventsOfAnAlias: configurations and dead letters are those of what was invoked.
func TestEventsOfAnAlias(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
		l.answer = func(string) string { return failure }
		if _, err := h.functions.Publish(t.Context(), name("f"), function.Publication{}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.functions.CreateAlias(t.Context(), function.Alias{Function: name("f"), Name: "live", Version: "1"}); err != nil {
			t.Fatal(err)
		}
		live := function.Ref{Name: name("f"), Qualifier: "live"}
		if _, err := h.functions.PutEventConfig(t.Context(), live, function.EventConfigUpdate{MaximumRetryAttempts: new(0), OnFailure: new(queueARN)}); err != nil {
			t.Fatal(err)
		}
		if err := h.functions.InvokeAsync(t.Context(), function.Invocation{Ref: live}); err != nil {
			t.Fatal(err)
		}
		h.after(0)
		l.expect(t, "0s f {}")
		letters := p.take()
		if len(letters) != 1 || !strings.Contains(string(letters[0].Body), `:function:f:live","condition":"RetriesExhausted"`) ||
			!strings.Contains(string(letters[0].Body), `"executedVersion":"1"`) {
			t.Errorf("letters %+v", letters)
		}
		h.stop()
		h.open()
		if c, err := h.functions.EventConfig(t.Context(), live); err != nil || c.OnFailure != queueARN {
			t.Errorf("%+v %v", c, err)
		}
		if err := h.functions.DeleteAlias(t.Context(), name("f"), "live"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.functions.EventConfig(t.Context(), live); err == nil {
			t.Error("the configuration is still there")
		}
	})
}
