package function_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/function"
)

// TestCircleOfEvents: functions whose answers come back to them run sixteen times; then the event goes where failures go. Those
// that may go on do so.
func TestCircleOfEvents(t *testing.T) {
	eventually(t, func(t *testing.T, h *house, l *ledger, p *post) {
		h.active("g")
		on := func(f, to string) {
			t.Helper()
			u := function.EventConfigUpdate{OnSuccess: new(name(to).ARN()), OnFailure: new(queueARN)}
			if _, err := h.functions.PutEventConfig(t.Context(), ref(f), u); err != nil {
				t.Fatal(err)
			}
		}
		on("f", "g")
		on("g", "f")
		h.event(`1`)
		h.after(0)
		if runs := len(l.take()); runs != 32 {
			t.Errorf("the circle made %d runs", runs)
		}
		letters := p.take()
		if len(letters) != 1 {
			t.Fatalf("%d letters", len(letters))
		}
		var document struct {
			RequestContext struct{ FunctionARN, Condition string }
		}
		if err := json.Unmarshal(letters[0].Body, &document); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(document.RequestContext); got != "{"+name("f").ARN()+":$LATEST RecursiveInvocation}" {
			t.Errorf("the letter is about %s", got)
		}
		h.metrics().expect(t, function.RecursiveInvocationsDropped, 1)
		h.metrics().expect(t, function.AsyncEventsDropped, 1)

		for _, f := range []string{"f", "g"} {
			if err := h.functions.SetRecursiveLoop(t.Context(), name(f), function.LoopAllow); err != nil {
				t.Fatal(err)
			}
		}
		runs := 0
		l.mu.Lock()
		l.answer = func(string) string {
			if runs++; runs < 40 {
				return `"done"`
			}
			return failure
		}
		l.mu.Unlock()
		h.event(`1`)
		h.after(0)
		if l.mu.Lock(); runs != 40 {
			t.Errorf("a circle that is allowed made %d runs", runs)
		}
		l.mu.Unlock()
	})
}

// TestCircleOfInvocations: who invokes itself with the header of its own invocation is told so the seventeenth time, whatever else is in
// the header.
func TestCircleOfInvocations(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		depth, roots := 0, map[string]bool{}
		var end error
		h.executor.set(func(e *executor) {
			e.run = func(_ function.Spec, r function.Request) (bool, []byte, error) {
				depth++
				form := regexp.MustCompile(`^Root=(1-[0-9a-f]{8}-[0-9a-f]{24});Parent=[0-9a-f]{16};Sampled=0;Lineage=([0-9a-f]{8}:\d+\|?)+$`)
				if m := form.FindStringSubmatch(r.TraceID); m == nil {
					t.Errorf("header %q", r.TraceID)
				} else {
					roots[m[1]] = true
				}
				if depth < 30 {
					if _, err := h.functions.Invoke(context.Background(), function.Invocation{Ref: ref("f"), TraceID: r.TraceID}); err != nil {
						end = err
					}
				}
				return true, []byte(`1`), nil
			}
		})
		invoke := func(header string) {
			t.Helper()
			depth, end = 0, nil
			clear(roots)
			if _, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f"), TraceID: header}); err != nil {
				t.Fatal(err)
			}
		}
		const root = "1-5759e988-bd862e3fe1be46a994272793"
		others := make([]string, 100)
		for i := range others {
			others[i] = fmt.Sprintf("%08x:7", i)
		}
		for _, header := range []string{
			"", "x", ";;=", "Root=" + root, " Sampled=1; Root=" + root + ";Self=2", "Root=" + root + ";Lineage=", "Root=" + root + ";Lineage=a:b|00000000:-1|00000001:99999",
			"Root=" + root + "\r\nX: y", "Lineage=" + strings.Join(others, "|"), "Root=" + root + ";Lineage=" + strings.Join(others[:30], "|"),
		} {
			invoke(header)
			if depth != 16 || !errors.Is(end, function.ErrRecursive) || len(roots) != 1 {
				t.Errorf("header %q: %d runs, %v, %v", header, depth, end, roots)
			}
			if strings.Contains(header, root+";") && !roots[root] {
				t.Errorf("header %q: %v", header, roots)
			}
		}
		if err := h.functions.SetRecursiveLoop(t.Context(), name("f"), function.LoopAllow); err != nil {
			t.Fatal(err)
		}
		if invoke(""); depth != 30 || end != nil {
			t.Errorf("a circle that is allowed: %d runs, %v", depth, end)
		}
	})
}
