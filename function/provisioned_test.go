package function_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/function"
)

func qualified(s, qualifier string) function.Ref {
	return function.Ref{Name: name(s), Qualifier: qualifier}
}

// published makes a function with a version, and an alias for it.
func (h *house) published(s string) {
	h.t.Helper()
	h.active(s)
	if _, err := h.functions.Publish(h.t.Context(), name(s), function.Publication{}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.functions.CreateAlias(h.t.Context(), function.Alias{Function: name(s), Name: "live", Version: "1"}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) provide(about function.Ref, n int) {
	h.t.Helper()
	p, err := h.functions.PutProvisioned(h.t.Context(), about, n)
	if err != nil {
		h.t.Fatal(err)
	}
	if p.Status != function.ProvisionedInProgress || p.Requested != n {
		h.t.Errorf("put: %+v", p)
	}
	synctest.Wait()
}

func (h *house) expectProvisioned(about function.Ref, allocated int, status function.ProvisionedStatus, reason string) {
	h.t.Helper()
	p, err := h.functions.Provisioned(h.t.Context(), about)
	if err != nil || p.Allocated != allocated || p.Status != status || p.Reason != reason {
		h.t.Errorf("%s: %+v %v, want %d %s %s", about.ARN(), p, err, allocated, status, reason)
	}
}

// kind invokes and returns how the instance had been initialized.
func (h *house) kind(about function.Ref) string {
	h.t.Helper()
	result, err := h.functions.Invoke(h.t.Context(), function.Invocation{Ref: about})
	if err != nil {
		return err.Error()
	}
	return string(result.Payload)
}

func kindOf(spec function.Spec, _ function.Request) (bool, []byte, error) {
	return true, []byte(spec.InitializationType()), nil
}

func (h *house) expectKind(about function.Ref, want string) {
	h.t.Helper()
	if got := h.kind(about); got != want {
		h.t.Errorf("%s ran %q, want %q", about.ARN(), got, want)
	}
}

const provisionedKind, onDemandKind = "provisioned-concurrency", "on-demand"

// TestProvisionedIsInitializedAhead holds an alias's environments against what AWS was seen to do: they are there before an
// invocation and outlive all idleness, serve the version by its number too, spill over when all are at work, and end with
// the configuration.
func TestProvisionedIsInitializedAhead(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.executor.set(func(e *executor) { e.run = kindOf })
		h.provide(qualified("f", "live"), 2)
		h.expectProvisioned(qualified("f", "live"), 2, function.ProvisionedReady, "")
		h.expectCounts(2, 2)
		h.after(time.Hour) // longer than anything idle is kept
		h.expectCounts(2, 2)
		h.after(function.EnvironmentLife) // others take their places
		h.expectCounts(4, 2)
		h.expectProvisioned(qualified("f", "live"), 2, function.ProvisionedReady, "")
		h.expectKind(qualified("f", "live"), provisionedKind)
		h.expectKind(qualified("f", "1"), provisionedKind)
		h.expectKind(ref("f"), onDemandKind)
		h.expectCounts(5, 3)

		block := make(chan struct{})
		h.executor.set(func(e *executor) {
			e.run = func(spec function.Spec, r function.Request) (bool, []byte, error) {
				<-block
				return kindOf(spec, r)
			}
		})
		kinds := make(chan string, 3)
		for range 3 {
			go func() { kinds <- h.kind(qualified("f", "live")) }()
			synctest.Wait()
		}
		close(block)
		got := map[string]int{<-kinds: 1}
		got[<-kinds]++
		got[<-kinds]++
		if got[provisionedKind] != 2 || got[onDemandKind] != 1 {
			t.Errorf("three at once ran %v", got)
		}
		if err := h.functions.DeleteProvisioned(t.Context(), qualified("f", "live")); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		h.expectKind(qualified("f", "1"), onDemandKind)
		if _, err := h.functions.Provisioned(t.Context(), qualified("f", "live")); !errors.Is(err, function.ErrNotProvisioned) {
			t.Error(err)
		}
		if err := h.functions.DeleteProvisioned(t.Context(), qualified("f", "live")); err != nil {
			t.Error(err) // as AWS
		}
		h.expectCounts(6, 2)
	})
}

// TestProvisionedThatSettles: a provisioned environment that is about to be ready is waited for, also when one on demand is
// ready already.
func TestProvisionedThatSettles(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.executor.set(func(e *executor) { e.run = kindOf })
		one := qualified("f", "1")
		h.expectKind(one, onDemandKind) // which stays idle
		h.provide(one, 1)
		settle := make(chan func(), 2)
		h.executor.set(func(e *executor) {
			e.run = func(spec function.Spec, r function.Request) (bool, []byte, error) {
				settle <- r.Settled
				return false, []byte(spec.InitializationType()), nil
			}
		})
		h.expectKind(one, provisionedKind)
		next := make(chan string)
		go func() { next <- h.kind(one) }()
		synctest.Wait()
		(<-settle)()
		if got := <-next; got != provisionedKind {
			t.Errorf("ran %s", got)
		}
		h.expectKind(one, onDemandKind) // it waited in vain
		(<-settle)()
		(<-settle)()
		h.expectCounts(2, 2)
	})
}

// TestProvisionedMovesWithItsAlias: the version that the alias left serves until the other one is ready.
func TestProvisionedMovesWithItsAlias(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.provide(qualified("f", "live"), 2)
		if _, err := h.functions.UpdateConfiguration(t.Context(), name("f"), function.ConfigurationUpdate{Description: new("second")}); err != nil {
			t.Fatal(err)
		}
		h.settle()
		if _, err := h.functions.Publish(t.Context(), name("f"), function.Publication{}); err != nil {
			t.Fatal(err)
		}
		h.executor.set(func(e *executor) { e.start, e.run = errors.New("not now"), kindOf })
		if _, err := h.functions.UpdateAlias(t.Context(), name("f"), "live", function.AliasUpdate{Version: new("2")}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.expectProvisioned(qualified("f", "live"), 2, function.ProvisionedInProgress, "")
		h.expectKind(qualified("f", "1"), provisionedKind)
		h.executor.set(func(e *executor) { e.start = nil })
		h.after(time.Second)
		h.expectProvisioned(qualified("f", "live"), 2, function.ProvisionedReady, "")
		h.expectKind(qualified("f", "1"), onDemandKind)
		h.expectKind(qualified("f", "2"), provisionedKind)
		h.expectKind(qualified("f", "live"), provisionedKind)

		if err := h.functions.DeleteAlias(t.Context(), name("f"), "live"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.expectKind(qualified("f", "2"), onDemandKind)
		if list, more, err := h.functions.ProvisionedConfigs(t.Context(), name("f"), "", 10); len(list) != 0 || more || err != nil {
			t.Error(list, more, err)
		}
	})
}

// TestProvisionedSurvives: what was asked for is there again after a restart, what ends is replaced, and less takes
// what is too much away.
func TestProvisionedSurvives(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.provide(qualified("f", "1"), 3)
		before := h.get("f").RevisionID
		h.stop()
		h.open()
		synctest.Wait()
		h.expectProvisioned(qualified("f", "1"), 3, function.ProvisionedReady, "")
		if h.get("f").RevisionID != before {
			t.Error("a restart made another revision")
		}
		h.executor.set(func(e *executor) {
			e.run = func(function.Spec, function.Request) (bool, []byte, error) {
				return true, nil, errors.New("broken")
			}
		})
		if got := h.kind(qualified("f", "1")); got == "" {
			t.Error("a broken instance answered")
		}
		synctest.Wait()
		h.expectProvisioned(qualified("f", "1"), 3, function.ProvisionedReady, "")
		h.expectCounts(7, 3)
		h.provide(qualified("f", "1"), 1)
		h.expectProvisioned(qualified("f", "1"), 1, function.ProvisionedReady, "")
		h.expectCounts(7, 1)
		if err := h.functions.Delete(t.Context(), name("f")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.expectCounts(7, 0)
	})
}

// TestProvisionedFails: after six starts that failed it is given up, and invocations are on demand.
func TestProvisionedFails(t *testing.T) {
	for _, c := range []struct {
		err    error
		reason string
	}{
		{&function.InitError{ErrorType: function.ErrorExit, Message: "exit status 1"}, "FUNCTION_ERROR_INIT_FAILURE"},
		{errors.New("no more processes"), "An instance of the function could not be started on this server."},
	} {
		inBubble(t, func(t *testing.T, h *house) {
			h.published("f")
			tries := 0
			h.executor.set(func(e *executor) {
				e.begin = func(spec function.Spec) error {
					if !spec.Provisioned {
						return nil
					}
					tries++
					return c.err
				}
				e.run = kindOf
			})
			h.provide(qualified("f", "1"), 1)
			h.expectProvisioned(qualified("f", "1"), 0, function.ProvisionedInProgress, "")
			h.expectKind(qualified("f", "1"), onDemandKind)
			h.after(time.Minute)
			h.expectProvisioned(qualified("f", "1"), 0, function.ProvisionedFailed, c.reason)
			if tries != 6 {
				t.Errorf("%d tries", tries)
			}
			h.executor.set(func(e *executor) { e.begin = nil })
			h.provide(qualified("f", "1"), 1) // asked for anew
			h.expectProvisioned(qualified("f", "1"), 1, function.ProvisionedReady, "")
		})
	}
}

// TestProvisionedNeedsRoom: instances that are idle make room for provisioned ones, and these for nobody.
func TestProvisionedNeedsRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.expect("f", "f")
		h.provide(qualified("f", "1"), 3)
		h.after(time.Minute)
		h.expectProvisioned(qualified("f", "1"), 2, function.ProvisionedFailed,
			"This server has no room for further instances: it runs as many as --max-instances allows.")
		h.expectCounts(3, 2)
		if _, err := h.invoke("f"); !throttled(err) {
			t.Error(err)
		}
	}, func(c *function.Config) { c.MaxInstances = 2 })
}

// TestProvisionedElsewhere: it is no process, so that it needs no room and makes none.
func TestProvisionedElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.published("far")
		h.executor.set(func(e *executor) { e.run = kindOf })
		h.expectKind(ref("far"), onDemandKind)
		h.expectKind(ref("f"), onDemandKind)
		h.provide(qualified("far", "1"), 3)
		h.expectProvisioned(qualified("far", "1"), 3, function.ProvisionedReady, "")
		h.expectKind(qualified("far", "live"), provisionedKind)
		h.expectCounts(5, 5)
		h.provide(qualified("f", "1"), 1)
		h.expectProvisioned(qualified("f", "1"), 1, function.ProvisionedReady, "")
		h.expectCounts(6, 5) // in the place of the other of f
	}, func(c *function.Config) { c.MaxInstances = 1 })
}

// TestProvisionedIsClaimed: it is taken from the account, or from the function's reservation, and can be no more than that.
func TestProvisionedIsClaimed(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.executor.set(func(e *executor) { e.run = kindOf })
		one := qualified("f", "1")
		put := func(n int) error {
			_, err := h.functions.PutProvisioned(t.Context(), one, n)
			return err
		}
		expectLeft := func(want int) {
			t.Helper()
			if got := h.functions.Unreserved("123456789012", "eu-west-1"); got != want {
				t.Errorf("%d left, want %d", got, want)
			}
		}
		var above *function.AboveUnreservedError
		if err := put(103); !errors.As(err, &above) || above.Unreserved != 102 {
			t.Error(err)
		}
		if err := put(3); !errors.Is(err, function.ErrUnreservedProvisioned) {
			t.Error(err)
		}
		h.provide(one, 2)
		expectLeft(100)
		if _, err := h.functions.PutProvisioned(t.Context(), qualified("f", "live"), 1); !errors.Is(err, function.ErrUnreservedProvisioned) {
			t.Error(err)
		}
		h.provide(one, 1)
		expectLeft(101)
		if _, err := h.functions.PutProvisioned(t.Context(), qualified("f", "live"), 1); !errors.Is(err, function.ErrVersionProvisioned) {
			t.Error(err)
		}

		// A reservation that is provisioned whole is left to no other version.
		if err := h.functions.PutConcurrency(t.Context(), name("f"), 1); err != nil {
			t.Fatal(err)
		}
		expectLeft(101)
		if err := put(2); !errors.Is(err, function.ErrAboveReserved) {
			t.Error(err)
		}
		var below *function.BelowProvisionedError
		if err := h.functions.PutConcurrency(t.Context(), name("f"), 0); !errors.As(err, &below) || *below != (function.BelowProvisionedError{Reserved: 0, Provisioned: 1}) {
			t.Error(err)
		}
		var limit *function.ThrottledError
		if _, err := h.invoke("f"); !errors.As(err, &limit) || limit.Reason != function.ReservedInvocations {
			t.Error(err)
		}
		h.expectKind(one, provisionedKind)
		if err := h.functions.DeleteConcurrency(t.Context(), name("f")); err != nil {
			t.Fatal(err)
		}
		h.expectKind(ref("f"), onDemandKind)
		expectLeft(101)
		if err := h.functions.DeleteVersion(t.Context(), name("f"), "1"); err == nil {
			t.Error("a version of an alias was deleted")
		}
		if err := h.functions.DeleteAlias(t.Context(), name("f"), "live"); err != nil {
			t.Fatal(err)
		}
		if err := h.functions.DeleteVersion(t.Context(), name("f"), "1"); err != nil {
			t.Fatal(err)
		}
		expectLeft(102)
	}, func(c *function.Config) { c.Concurrency = 102 })
}

// TestProvisionedRefusals: what is no version, or is provisioned in another way.
func TestProvisionedRefusals(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.provide(qualified("f", "live"), 1)
		if _, err := h.functions.CreateAlias(t.Context(), function.Alias{Function: name("f"), Name: "latest", Version: function.Latest}); err != nil {
			t.Fatal(err)
		}
		for qualifier, want := range map[string]error{"1": function.ErrAliasProvisioned, "2": function.ErrNotFound, "latest": function.ErrUnpublished} {
			if _, err := h.functions.PutProvisioned(t.Context(), qualified("f", qualifier), 1); !errors.Is(err, want) {
				t.Errorf("%s: %v", qualifier, err)
			}
		}
		if _, err := h.functions.UpdateAlias(t.Context(), name("f"), "live", function.AliasUpdate{Version: new(function.Latest)}); !errors.Is(err, function.ErrUnpublished) {
			t.Error(err)
		}
	})
}

// TestProvisionedSamples: which invocations took a provisioned environment and which did not.
func TestProvisionedSamples(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.provide(qualified("f", "1"), 2)
		block, ctx := make(chan struct{}), context.WithoutCancel(t.Context())
		h.executor.set(func(e *executor) {
			e.run = func(function.Spec, function.Request) (bool, []byte, error) {
				<-block
				return true, nil, nil
			}
		})
		for range 3 {
			go func() { _, _ = h.functions.Invoke(ctx, function.Invocation{Ref: qualified("f", "1")}) }()
			synctest.Wait()
		}
		h.expectSamples(
			"f:1 ConcurrentExecutions 1", "f:1 Account 1", "f:1 Provisioned 1", "f:1 ProvisionedExecutions 1", "f:1 Utilization 0.5",
			"f:1 ConcurrentExecutions 2", "f:1 Account 2", "f:1 Provisioned 1", "f:1 ProvisionedExecutions 2", "f:1 Utilization 1",
			"f:1 ConcurrentExecutions 3", "f:1 Account 3", "f:1 Spillover 1", "f:1 ProvisionedExecutions 2", "f:1 Utilization 1",
		)
		close(block)
		synctest.Wait()
	}, recorded)
}

// TestProvisionedInitializationIsTold: telemetry and logs say of an environment that was started ahead that it was.
func TestProvisionedInitializationIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		var told []string
		h.executor.set(func(e *executor) {
			e.run = func(spec function.Spec, _ function.Request) (bool, []byte, error) {
				spec.Log.Follow(func(t function.Telemetry) { told = append(told, string(t.Record)) })
				spec.Log.Tell(spec.InitRuntimeDone(function.StatusSuccess, ""))
				spec.Log.Tell(spec.InitReport(time.Second, function.StatusSuccess, ""))
				return true, nil, nil
			}
		})
		h.provide(qualified("f", "1"), 1)
		for about, want := range map[function.Ref]string{qualified("f", "1"): provisionedKind, ref("f"): onDemandKind} {
			told = nil
			if _, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: about}); err != nil {
				t.Fatal(err)
			}
			all := strings.Join(told, "\n")
			if n := strings.Count(all, `"initializationType":"`+want+`"`); n != 3 || n != strings.Count(all, "initializationType") {
				t.Errorf("%s: %s", about.ARN(), all)
			}
		}
	})
}

// TestProvisionedThatEnds: environments that end by themselves as soon as they have started are replaced, but not without a pause.
func TestProvisionedThatEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.published("f")
		h.executor.set(func(e *executor) { e.brief = true })
		if _, err := h.functions.PutProvisioned(t.Context(), qualified("f", "1"), 2); err != nil {
			t.Fatal(err)
		}
		h.after(10 * time.Second)
		if started, _ := h.executor.counts(); started < 10 || started > 50 {
			t.Errorf("%d starts in ten seconds", started)
		}
		h.executor.set(func(e *executor) { e.brief = false })
		h.after(2 * time.Second)
		h.expectProvisioned(qualified("f", "1"), 2, function.ProvisionedReady, "")
	})
}
