package function_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/store"
)

func sha(data []byte) store.BlobID { return sha256.Sum256(data) }

// blocking makes every invocation wait until the test lets it go on.
func (h *house) blocking() (goOn chan struct{}) {
	goOn = make(chan struct{})
	h.executor.set(func(e *executor) {
		e.run = func(function.Spec, function.Request) (bool, []byte, error) {
			<-goOn
			return true, []byte("done"), nil
		}
	})
	return goOn
}

// invokeLater invokes in a goroutine and returns where the error will be.
func (h *house) invokeLater(s string) <-chan error {
	failed := make(chan error, 1)
	go func() {
		_, err := h.invoke(s)
		failed <- err
	}()
	synctest.Wait()
	return failed
}

func (h *house) expectCounts(started, running int) {
	h.t.Helper()
	if s, r := h.executor.counts(); s != started || r != running {
		h.t.Errorf("%d started and %d run, want %d and %d", s, r, started, running)
	}
}

func throttled(err error) bool {
	var limit *function.ThrottledError
	return errors.As(err, &limit) && limit.Reason == function.ConcurrentInvocations
}

func TestWarmInstanceIsUsedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		for range 3 {
			h.expect("f", "f")
		}
		h.expectCounts(1, 1)
	})
}

func TestIdleInstancesExpire(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.active("g")
		goOn := h.blocking()
		first, second := h.invokeLater("f"), h.invokeLater("f")
		close(goOn)
		if err := errors.Join(<-first, <-second); err != nil {
			t.Fatal(err)
		}
		h.expectCounts(2, 2)
		h.after(5 * time.Minute)
		h.expect("f", "done") // keeps the one that was used last
		h.after(5 * time.Minute)
		h.expectCounts(2, 1)
		h.after(2 * time.Minute)
		h.expect("g", "done")
		h.after(3 * time.Minute)
		h.expectCounts(3, 1)
		h.after(7 * time.Minute)
		h.expectCounts(3, 0)
		h.expect("f", "done")
		h.expectCounts(4, 1)
	})
}

// Who needs the place of another waits until its runtime has ended, and not for the farewell of its extensions; but no more take
// leave beside those that run than there are places.
func TestFarewellsKeepNoPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		for _, s := range []string{"f", "g"} {
			h.active(s)
		}
		h.executor.set(func(e *executor) { e.farewell = 2 * time.Second })
		takes := func(s string, want time.Duration, running int) {
			t.Helper()
			begun := time.Now()
			h.expect(s, s)
			if took := time.Since(begun); took != want {
				t.Errorf("%s waited for %v, not %v", s, took, want)
			}
			if _, n := h.executor.counts(); n != running {
				t.Errorf("%d run beside %s", n, s)
			}
		}
		takes("f", 0, 1)
		takes("g", 0, 2)
		h.after(time.Second)
		takes("f", 2*time.Second, 1) // beside the farewell of its first
		takes("g", 0, 2)
		h.after(3 * time.Second)
		if err := h.functions.Delete(t.Context(), name("g")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		takes("f", 0, 2)
	}, func(c *function.Config) { c.MaxInstances = 1 })
}

// An environment that is never idle for long ends before its credentials do.
func TestOldEnvironmentsAreReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		for age := time.Duration(0); age < function.EnvironmentLife; age += 5 * time.Minute {
			h.expect("f", "f")
			h.expectCounts(1, 1)
			h.after(5 * time.Minute)
		}
		h.expect("f", "f")
		h.after(time.Second)
		h.expectCounts(2, 1)
	})
}

func TestConcurrencyIsPerAccountAndRegion(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.active("g")
		abroad := plain("f")
		abroad.Region = "us-east-1"
		if _, err := h.functions.Create(t.Context(), abroad, code(t, "x")); err != nil {
			t.Fatal(err)
		}
		h.settle()
		goOn := h.blocking()
		one, two := h.invokeLater("f"), h.invokeLater("g")
		for range 3 {
			if _, err := h.invoke("f"); !throttled(err) {
				t.Errorf("the third: %v", err)
			}
		}
		elsewhere := make(chan error, 1)
		go func() {
			_, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: function.Ref{Name: abroad.Name}})
			elsewhere <- err
		}()
		synctest.Wait()
		close(goOn)
		if err := errors.Join(<-one, <-two, <-elsewhere); err != nil {
			t.Error(err)
		}
		h.expect("f", "done")
	}, func(c *function.Config) { c.Concurrency = 2 })
}

// When there is no room for another instance, the one that has been idle longest makes room.
func TestInstanceLimitEvictsTheIdle(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		for _, s := range []string{"a", "b", "c"} {
			h.active(s)
		}
		h.expect("a", "a")
		h.after(time.Second)
		h.expect("b", "b")
		h.after(time.Second)
		h.expect("c", "c") // in the place of a
		h.expectCounts(3, 2)
		h.expect("b", "b")
		h.expectCounts(3, 2)
		h.expect("a", "a") // in the place of c
		h.expectCounts(4, 2)
		goOn := h.blocking()
		one, two := h.invokeLater("a"), h.invokeLater("b")
		if _, err := h.invoke("c"); !throttled(err) {
			t.Errorf("with no idle instance: %v", err)
		}
		close(goOn)
		if err := errors.Join(<-one, <-two); err != nil {
			t.Error(err)
		}
	}, func(c *function.Config) { c.MaxInstances = 2 })
}

// Functions elsewhere have as many instances as concurrency allows, whatever room there is for processes, and make room for none.
func TestElsewhereNeedsNoPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		for _, s := range []string{"a", "b", "far"} {
			h.active(s)
		}
		goOn := h.blocking()
		var far []<-chan error
		for range 5 {
			far = append(far, h.invokeLater("far"))
		}
		a := h.invokeLater("a")
		h.expectCounts(6, 6)
		if _, err := h.invoke("b"); !throttled(err) {
			t.Errorf("a second process: %v", err)
		}
		far = append(far, h.invokeLater("far"))
		h.expectCounts(7, 7)
		if _, err := h.invoke("far"); !throttled(err) {
			t.Errorf("above the concurrency: %v", err)
		}
		for range 7 {
			goOn <- struct{}{}
		}
		if err := errors.Join(append(wait(far), <-a)...); err != nil {
			t.Error(err)
		}
		h.executor.set(func(e *executor) { e.run = nil })
		h.after(time.Second)
		h.expect("a", "a")
		h.expect("b", "b") // in the place of a, which has not been idle as long as the others
		h.expectCounts(8, 7)
		h.expect("far", "far") // warm
		h.expectCounts(8, 7)
	}, func(c *function.Config) { c.Concurrency = 7; c.MaxInstances = 1 })
}

func wait(failed []<-chan error) (errs []error) {
	for _, f := range failed {
		errs = append(errs, <-f)
	}
	return errs
}

// No more instances elsewhere are kept warm, of all functions, than an account may have at work.
func TestElsewhereFewAreKept(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		for _, s := range []string{"here", "far", "farther"} {
			h.active(s)
		}
		h.expect("here", "here")
		h.after(time.Second)
		goOn := h.blocking()
		far := []<-chan error{h.invokeLater("far"), h.invokeLater("far")}
		close(goOn)
		if err := errors.Join(wait(far)...); err != nil {
			t.Error(err)
		}
		h.expectCounts(3, 3)
		h.expect("farther", "done")
		h.expectCounts(4, 3)
		h.expect("far", "done")
		h.expect("here", "done")
		h.expectCounts(4, 3)
	}, func(c *function.Config) { c.Concurrency = 2; c.MaxInstances = 1 })
}

// A reservation is of invocations, wherever they are.
func TestElsewhereIsReserved(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("far")
		if err := h.functions.PutConcurrency(t.Context(), name("far"), 2); err != nil {
			t.Fatal(err)
		}
		goOn := h.blocking()
		far := []<-chan error{h.invokeLater("far"), h.invokeLater("far")}
		var limit *function.ThrottledError
		if _, err := h.invoke("far"); !errors.As(err, &limit) || limit.Reason != function.ReservedInvocations {
			t.Error(err)
		}
		close(goOn)
		if err := errors.Join(wait(far)...); err != nil {
			t.Error(err)
		}
	}, func(c *function.Config) { c.MaxInstances = 1 })
}

// An instance that was answered but works on is waited for, for a moment; then another is started, and it counts.
func TestSettlingInstances(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		settle := make(chan func(), 10)
		h.executor.set(func(e *executor) {
			e.run = func(_ function.Spec, r function.Request) (bool, []byte, error) {
				settle <- r.Settled
				return false, []byte("done"), nil
			}
		})
		h.expect("f", "done")
		next := h.invokeLater("f") // waits
		h.expectCounts(1, 1)
		(<-settle)()
		if err := <-next; err != nil {
			t.Error(err)
		}
		h.expectCounts(1, 1)

		begun := time.Now()
		h.expect("f", "done") // waits in vain
		if waited := time.Since(begun); waited != 100*time.Millisecond {
			t.Errorf("waited %s", waited)
		}
		h.expectCounts(2, 2)
		if _, err := h.invoke("f"); !throttled(err) {
			t.Errorf("with two that work on: %v", err)
		}
		(<-settle)()
		h.expect("f", "done")
		h.expectCounts(2, 2)
		(<-settle)()
		(<-settle)()
	}, func(c *function.Config) { c.Concurrency = 2 })
}

func TestSettlingEndsWithTheContext(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		var settled func()
		h.executor.set(func(e *executor) {
			e.run = func(_ function.Spec, r function.Request) (bool, []byte, error) {
				settled = r.Settled
				return false, nil, nil
			}
		})
		if _, err := h.invoke("f"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := h.functions.Invoke(ctx, function.Invocation{Ref: ref("f")}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		settled()
		h.executor.set(func(e *executor) { e.run = nil })
		h.expect("f", "f")
		h.expectCounts(1, 1)
	})
}

func TestUpdateRetiresInstances(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		goOn := h.blocking()
		underway := h.invokeLater("f")
		idle := h.invokeLater("f")
		goOn <- struct{}{} // one of the two
		synctest.Wait()
		if _, err := h.functions.UpdateConfiguration(t.Context(), name("f"), function.ConfigurationUpdate{Description: new("2")}); err != nil {
			t.Fatal(err)
		}
		h.settle()
		h.expectCounts(2, 1) // the idle one has gone
		close(goOn)
		if err := errors.Join(<-underway, <-idle); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		h.expectCounts(2, 0)
		h.executor.set(func(e *executor) { e.run = nil })
		h.expect("f", "2")
	})
}

func TestFailedStarts(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.executor.set(func(e *executor) { e.start = errors.New("no more processes") })
		if _, err := h.invoke("f"); err == nil || err.Error() != "start "+name("f").ARN()+":$LATEST: no more processes" {
			t.Error(err)
		}
		h.executor.set(func(e *executor) {
			e.start = &function.InitError{ErrorType: "Runtime.ExitError", Message: "it went"}
		})
		for range 3 { // no place is lost
			result, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f"), RequestID: "id"})
			if err != nil || result.FunctionError != "Unhandled" || result.ErrorType != "Runtime.ExitError" ||
				string(result.Payload) != `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: id Error: it went"}` {
				t.Errorf("%+v %s %v", result, result.Payload, err)
			}
		}
		h.executor.set(func(e *executor) { e.start = nil })
		h.expect("f", "f")
	}, func(c *function.Config) { c.Concurrency = 1; c.MaxInstances = 1 })
}

// The REPORT line of an invocation whose function could not be initialized says so, whether the function has told why or not.
func TestReportOfAFailedStart(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		for _, test := range []struct {
			failure function.InitError
			fault   string
		}{
			{function.InitError{ErrorType: "Runtime.ExitError", Message: "it went"}, "RequestId: id Error: it went\nRuntime.ExitError\n"},
			{function.InitError{ErrorType: "Runtime.ImportModuleError", Payload: []byte(`{"errorType":"Runtime.ImportModuleError"}`)}, ""},
		} {
			h.executor.set(func(e *executor) { e.start = &test.failure })
			result, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f"), RequestID: "id", Tail: true})
			want := "START RequestId: id Version: $LATEST\n" + test.fault + "END RequestId: id\nREPORT RequestId: id\tDuration: 0.00 ms\t" +
				"Billed Duration: 0 ms\tMemory Size: 128 MB\tMax Memory Used: 0 MB\tStatus: error\tError Type: " + test.failure.ErrorType + "\n"
			if err != nil || string(result.LogTail) != want {
				t.Errorf("%q, %v\nwant %q", result.LogTail, err, want)
			}
		}
	})
}

// A function has no more memory than it has.
func TestReportOfMemory(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		for memory, want := range map[int]string{127: "127 MB", 128: "128 MB", 139: "128 MB"} {
			h.executor.set(func(e *executor) {
				e.memory, e.run = memory, func(function.Spec, function.Request) (bool, []byte, error) { return true, []byte("1"), nil }
			})
			result, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f"), Tail: true})
			if err != nil || !strings.Contains(string(result.LogTail), "\tMemory Size: 128 MB\tMax Memory Used: "+want+"\t") {
				t.Errorf("%d: %s, %v", memory, result.LogTail, err)
			}
		}
	})
}

// An instance that is found dead costs a start, and a room full of dead ones an error in the end.
func TestGoneInstancesAreReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		left := 3
		h.executor.set(func(e *executor) {
			e.run = func(_ function.Spec, r function.Request) (bool, []byte, error) {
				if left > 0 {
					left--
					return true, nil, function.ErrInstanceGone
				}
				return true, []byte("done"), nil
			}
		})
		h.expect("f", "done")
		synctest.Wait()
		h.expectCounts(4, 1)
		left = 100
		if _, err := h.invoke("f"); !errors.Is(err, function.ErrInstanceGone) {
			t.Error(err)
		}
		synctest.Wait()
		h.expectCounts(8, 0)
	})
}

func TestInvokeRefusals(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		missing := func(r function.Ref, want string) {
			t.Helper()
			var notFound *function.NotFoundError
			if _, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: r}); !errors.As(err, &notFound) || notFound.ARN != want {
				t.Errorf("invoke: %v", err)
			}
			if err := h.functions.DryRun(t.Context(), r); !errors.As(err, &notFound) || notFound.ARN != want {
				t.Errorf("dry run: %v", err)
			}
		}
		missing(ref("g"), name("g").ARN()+":$LATEST")
		missing(function.Ref{Name: name("f"), Qualifier: "live"}, name("f").ARN()+":live")
		if err := h.functions.DryRun(t.Context(), function.Ref{Name: name("f"), Qualifier: "$LATEST"}); err != nil {
			t.Error(err)
		}
		if _, err := h.functions.Find(t.Context(), function.Ref{Name: name("f"), Qualifier: "$LATEST"}); err != nil {
			t.Error(err)
		}
		var notFound *function.NotFoundError
		if _, err := h.functions.Find(t.Context(), function.Ref{Name: name("f"), Qualifier: "9"}); !errors.As(err, &notFound) || notFound.ARN != name("f").ARN()+":9" {
			t.Error(err)
		}
		if _, err := h.functions.Find(t.Context(), ref("g")); !errors.As(err, &notFound) || notFound.ARN != name("g").ARN() {
			t.Error(err)
		}
	})
}

// Stopping ends what runs and refuses what comes.
func TestStop(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.expect("f", "f")
		h.stop()
		if _, err := h.invoke("f"); !errors.Is(err, function.ErrStopped) {
			t.Error(err)
		}
	})
}
