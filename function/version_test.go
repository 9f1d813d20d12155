package function_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
)

func at(s, qualifier string) function.Ref { return function.Ref{Name: name(s), Qualifier: qualifier} }

func (h *house) publish(s string) function.Function {
	h.t.Helper()
	v, err := h.functions.Publish(h.t.Context(), name(s), function.Publication{})
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *house) describe(s, description string) {
	h.t.Helper()
	if _, err := h.functions.UpdateConfiguration(h.t.Context(), name(s), function.ConfigurationUpdate{Description: &description}); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

// runs invokes what the reference means and says which version ran and what it answered: its description.
func (h *house) runs(r function.Ref) string {
	h.t.Helper()
	result, err := h.functions.Invoke(h.t.Context(), function.Invocation{Ref: r})
	if err != nil {
		return err.Error()
	}
	return result.ExecutedVersion + " " + string(result.Payload)
}

func (h *house) expectRuns(r function.Ref, want string) {
	h.t.Helper()
	if got := h.runs(r); got != want {
		h.t.Errorf("%s: %q, want %q", r.ARN(), got, want)
	}
}

// versioned has a function with two versions and a third state, and an alias.
func (h *house) versioned() {
	h.t.Helper()
	h.active("f")
	h.publish("f")
	h.describe("f", "second")
	h.publish("f")
	h.describe("f", "third")
	if _, err := h.functions.CreateAlias(h.t.Context(), function.Alias{Function: name("f"), Name: "live", Version: "1"}); err != nil {
		h.t.Fatal(err)
	}
}

func TestVersionsDoNotChange(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.versioned()
		check := func() {
			t.Helper()
			h.expectRuns(ref("f"), "$LATEST third")
			h.expectRuns(at("f", "$LATEST"), "$LATEST third")
			h.expectRuns(at("f", "1"), "1 f")
			h.expectRuns(at("f", "2"), "2 second")
			h.expectRuns(at("f", "live"), "1 f")
			h.expectRuns(at("f", "3"), "function not found: "+at("f", "3").ARN())
			h.expectRuns(at("f", "01"), "function not found: "+at("f", "01").ARN())
		}
		check()
		for _, spec := range h.executor.started {
			if spec.Version != spec.Function.Version || !strings.Contains(spec.LogStream, "["+spec.Version+"]") {
				t.Errorf("%s is run as %s in %s", spec.Function.Version, spec.Version, spec.LogStream)
			}
		}
		h.stop()
		h.open()
		check()
		if v := h.publish("f"); v.Version != "3" {
			t.Errorf("published as %s", v.Version)
		}
	})
}

// A version keeps its code until it is deleted, whatever becomes of the function.
func TestVersionsKeepTheirCode(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.publish("f")
		if _, err := h.functions.UpdateCode(t.Context(), name("f"), function.CodeUpdate{Zip: code(t, "new"), Publish: true}); err != nil {
			t.Fatal(err)
		}
		h.expectRuns(at("f", "2"), (&function.NotReadyError{ARN: at("f", "2").ARN(), State: function.Pending}).Error())
		h.stop()
		h.open() // what was pending goes on
		h.settle()
		h.expectRuns(at("f", "2"), "2 f")
		h.stop()
		h.open()
		h.settle()
		if held := h.blobs("f", "new"); !slices.Equal(held, []string{"f", "new"}) {
			t.Errorf("held: %v", held)
		}
		h.expectRuns(at("f", "1"), "1 f")
		for range 2 {
			if err := h.functions.DeleteVersion(t.Context(), name("f"), "1"); err != nil {
				t.Fatal(err)
			}
			h.settle()
		}
		if held := h.blobs("f", "new"); !slices.Equal(held, []string{"new"}) {
			t.Errorf("held after the version's deletion: %v", held)
		}
		if functions, bytes := h.functions.Usage(name("f").Account, name("f").Region); functions != 1 || bytes != int64(2*len(code(t, "new"))) {
			t.Errorf("usage: %d functions, %d bytes", functions, bytes)
		}
		if err := h.functions.Delete(t.Context(), name("f")); err != nil {
			t.Fatal(err)
		}
		h.settle()
		if held := h.blobs("f", "new"); held != nil {
			t.Errorf("held after the function's deletion: %v", held)
		}
		h.active("f")
		if v := h.publish("f"); v.Version != "1" {
			t.Errorf("a new function begins with %s", v.Version)
		}
	})
}

// An update that fails leaves what was published with it failed, and what is fixed can be published.
func TestFailedVersions(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.executor.set(func(e *executor) { e.check = errors.New("out of order") })
		if _, err := h.functions.UpdateCode(t.Context(), name("f"), function.CodeUpdate{Zip: code(t, "new"), Publish: true}); err != nil {
			t.Fatal(err)
		}
		h.settle()
		v, err := h.functions.Find(t.Context(), at("f", "1"))
		if got := states(v); err != nil || got != "Failed/InternalError/out of order Failed/InternalError/out of order" {
			t.Error(got, err)
		}
		h.expectRuns(ref("f"), "$LATEST f")
		h.expectRuns(at("f", "1"), (&function.NotReadyError{ARN: at("f", "1").ARN(), State: function.Failed}).Error())
		if _, err := h.functions.Publish(t.Context(), name("f"), function.Publication{}); !errors.As(err, new(*function.NotReadyError)) {
			t.Errorf("published: %v", err)
		}
		h.executor.set(func(e *executor) { e.check = nil })
		h.describe("f", "f")
		if v := h.publish("f"); v.Version != "2" {
			t.Errorf("published as %s", v.Version)
		}
		h.expectRuns(at("f", "2"), "2 f")
	})
}

// What belongs to a function is in the store when it was answered, and goes with the function.
func TestCompanySurvives(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.versioned()
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, q := range []string{"", "1", "live"} {
			_, err := h.functions.AddPermission(ctx, at("f", q), function.Permission{Sid: "s", Action: "lambda:InvokeFunction", Principal: "*"})
			must(err)
		}
		must(h.functions.Tag(ctx, name("f"), map[string]string{"a": "b"}))
		must(h.functions.PutConcurrency(ctx, name("f"), 7))
		must(h.functions.SetRecursiveLoop(ctx, name("f"), function.LoopAllow))
		look := func() string {
			a, err := h.functions.Attributes(ctx, name("f"))
			must(err)
			aliases, _, err := h.functions.Aliases(ctx, name("f"), "", "", 10)
			must(err)
			out := fmt.Sprint(a.Tags, *a.Reserved, a.RecursiveLoop, aliases, h.functions.Unreserved(name("f").Account, name("f").Region))
			for _, q := range []string{"", "1", "2", "live"} {
				p, err := h.functions.PolicyOf(ctx, at("f", q))
				out += fmt.Sprint(q, p, err)
			}
			return out
		}
		before := look()
		h.stop()
		h.open()
		if after := look(); after != before {
			t.Errorf("before %s\nafter  %s", before, after)
		}
		must(h.functions.DeleteAlias(ctx, name("f"), "live"))
		must(h.functions.DeleteVersion(ctx, name("f"), "1"))
		if p, err := h.functions.PolicyOf(ctx, at("f", "1")); !errors.Is(err, function.ErrNoPolicy) {
			t.Errorf("a deleted version has a policy: %v", p)
		}
		must(h.functions.Delete(ctx, name("f")))
		if n := h.functions.Unreserved(name("f").Account, name("f").Region); n != 1000 {
			t.Errorf("%d are not reserved", n)
		}
		for _, table := range []string{"functions", "function-versions", "function-aliases", "function-policies"} {
			for entry := range h.store.Scan(ctx, table, "", "") {
				t.Errorf("%s still has %q", table, entry.Key)
			}
		}
	})
}

func TestWeightsChoose(t *testing.T) {
	draws := []float64{0.1, 0.3, 0.29, 0.9, 0}
	inBubble(t, func(t *testing.T, h *house) {
		h.versioned()
		weights := map[string]float64{"2": 0.3}
		if _, err := h.functions.UpdateAlias(t.Context(), name("f"), "live", function.AliasUpdate{Weights: weights}); err != nil {
			t.Fatal(err)
		}
		weights["2"] = 1 // the room has its own
		var ran []string
		for range draws {
			version, _, _ := strings.Cut(h.runs(at("f", "live")), " ")
			ran = append(ran, version)
		}
		if got := strings.Join(ran, " "); got != "2 1 2 1 2" {
			t.Errorf("ran %s", got)
		}
	}, func(c *function.Config) {
		i := -1
		c.Random = func() float64 { i++; return draws[i%len(draws)] }
	})
}

// Reservations are caps and guarantees, of all versions together.
func TestReservedConcurrency(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.publish("f")
		h.active("g")
		h.active("h")
		goOn := h.blocking()
		reserve := func(s string, n int) {
			t.Helper()
			if err := h.functions.PutConcurrency(t.Context(), name(s), n); err != nil {
				t.Fatal(err)
			}
		}
		reason := func(r function.Ref) function.ThrottleReason {
			t.Helper()
			_, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: r})
			var throttled *function.ThrottledError
			if !errors.As(err, &throttled) {
				t.Errorf("%s: %v", r.ARN(), err)
				return ""
			}
			return throttled.Reason
		}
		reserve("f", 2)
		reserve("g", 0)
		if err := h.functions.PutConcurrency(t.Context(), name("h"), 1); !errors.Is(err, function.ErrUnreserved) {
			t.Errorf("reserved below the minimum: %v", err)
		}
		if got := reason(ref("g")); got != function.ReservedInvocations {
			t.Error(got)
		}
		var under []<-chan error
		for range 100 { // all that is reserved for nobody
			under = append(under, h.invokeLater("h"))
		}
		h.after(time.Millisecond)
		if got := reason(ref("h")); got != function.ConcurrentInvocations {
			t.Error(got)
		}
		under = append(under, h.invokeLater("f"), h.invokeLater("f"))
		h.after(time.Millisecond)
		for _, r := range []function.Ref{ref("f"), at("f", "1")} {
			if got := reason(r); got != function.ReservedInvocations {
				t.Errorf("%s: %s", r.ARN(), got)
			}
		}
		// Without a reservation those under way count with the others.
		if err := h.functions.DeleteConcurrency(t.Context(), name("f")); err != nil {
			t.Fatal(err)
		}
		if got := reason(at("f", "1")); got != function.ConcurrentInvocations {
			t.Error(got)
		}
		close(goOn)
		for _, done := range under {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}, func(c *function.Config) { c.Concurrency = 102 })
}
