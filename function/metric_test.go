package function_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
)

// notebook keeps samples.
type notebook struct {
	mu    sync.Mutex
	lines []string
}

func (n *notebook) Function(name function.Name) function.Samples { return page{n, name.Name} }

func (n *notebook) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines := n.lines
	n.lines = nil
	return lines
}

type page struct {
	book     *notebook
	function string
}

var metricNames = [function.Metrics]string{"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "Account", "Events", "EventAge", "Dropped", "DeadLetterErrors", "DestinationFailures", "Recursive", "Provisioned", "Spillover", "ProvisionedExecutions", "Utilization", "URL", "URL4xx", "URL5xx", "URLLatency"}

func (p page) Record(qualifier string, m function.Metric, v float64) {
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	p.book.lines = append(p.book.lines, fmt.Sprintf("%s:%s %s %v", p.function, qualifier, metricNames[m], v))
}

func recorded(c *function.Config) { c.Recorder = &notebook{} }

func (h *house) expectSamples(want ...string) {
	h.t.Helper()
	if got := h.config.Recorder.(*notebook).take(); !slices.Equal(got, want) {
		h.t.Errorf("got %q, not %q", got, want)
	}
}

func TestSamplesOfInvocations(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.expect("f", "f")
		h.expectSamples("f: ConcurrentExecutions 1", "f: Account 1", "f: Invocations 1", "f: Errors 0", "f: Throttles 0", "f: Duration 0")
		h.executor.set(func(e *executor) {
			e.start = &function.InitError{ErrorType: "Runtime.ExitError", Duration: 1500 * time.Millisecond}
		})
		h.active("g")
		latest := function.Ref{Name: name("g"), Qualifier: function.Latest}
		if _, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: latest}); err != nil {
			t.Fatal(err)
		}
		h.expectSamples("g:$LATEST ConcurrentExecutions 1", "g:$LATEST Account 1",
			"g:$LATEST Invocations 1", "g:$LATEST Errors 1", "g:$LATEST Throttles 0", "g:$LATEST Duration 0")
		// What does not reach a function is none of its invocations.
		if _, err := h.invoke("none"); err == nil {
			t.Error("there is no such function")
		}
		h.expectSamples()
	}, recorded)
}

func TestSamplesOfConcurrency(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.active("g")
		goOn := h.blocking()
		first, second := h.invokeLater("f"), h.invokeLater("g")
		third := h.invokeLater("f")
		if err := <-third; !throttled(err) {
			t.Error(err)
		}
		h.expectSamples("f: ConcurrentExecutions 1", "f: Account 1", "g: ConcurrentExecutions 1", "g: Account 2", "f: Throttles 1")
		close(goOn)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if err := <-second; err != nil {
			t.Error(err)
		}
		h.config.Recorder.(*notebook).take()
		h.expect("f", "done")
		if got := h.config.Recorder.(*notebook).take(); got[0] != "f: ConcurrentExecutions 1" || got[1] != "f: Account 1" {
			t.Error(got)
		}
	}, recorded, func(c *function.Config) { c.Concurrency = 2 })
}
