package function_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/store"
)

// doubtful is a store that makes one commit to a table, or does not make it, and cannot say which.
type doubtful struct {
	function.Store
	table   string
	next    atomic.Bool
	happens bool
}

var errDoubt = errors.New("whether it happens is not known yet")

func (d *doubtful) Commit(ctx context.Context, writes ...store.Write) error {
	about := func(w store.Write) bool { return w.Table == d.table }
	if !slices.ContainsFunc(writes, about) || !d.next.CompareAndSwap(true, false) {
		return d.Store.Commit(ctx, writes...)
	}
	if d.happens {
		if err := d.Store.Commit(ctx, writes...); err != nil {
			return err
		}
	}
	return errDoubt
}

// TestDoubts: whether a change of which the store could not say if it was made was made is known soon after, the code that
// is needed then is there, and so it is at the next start.
func TestDoubts(t *testing.T) {
	for _, happens := range []bool{false, true} {
		var d *doubtful
		inBubble(t, func(t *testing.T, h *house) {
			ctx := t.Context()
			f := function.Function{Name: name("f"), Runtime: "python3.12", Handler: "a.h", Role: role, Description: "one"}
			doubt := func(err error) {
				t.Helper()
				if !errors.Is(err, errDoubt) {
					t.Fatalf("not in doubt: %v", err)
				}
				synctest.Wait()
			}
			in := func(want bool, what string) {
				t.Helper()
				_, err := h.functions.Get(ctx, f.Name)
				if (err == nil) != want {
					t.Errorf("after %s: %v", what, err)
				}
			}
			d.next.Store(true)
			_, err := h.functions.Create(ctx, f, code(t, "one"))
			doubt(err)
			in(happens, "the creation")
			if !happens {
				if _, err := h.functions.Create(ctx, f, code(t, "one")); err != nil {
					t.Fatal(err)
				}
			}
			<-time.After(2 * time.Second)
			d.next.Store(true)
			_, err = h.functions.UpdateCode(ctx, f.Name, function.CodeUpdate{Zip: code(t, "another one")})
			doubt(err)
			<-time.After(2 * time.Second)
			check := func() {
				t.Helper()
				got, err := h.functions.Get(ctx, f.Name)
				if want := int64(len(code(t, "one"))); err != nil || got.LastUpdateStatus != function.UpdateSuccessful || (got.CodeSize == want) == happens {
					t.Errorf("%+v, %v", got, err)
				}
				if r, err := h.functions.Invoke(ctx, function.Invocation{Ref: function.Ref{Name: f.Name}}); err != nil || r.FunctionError != "" {
					t.Errorf("%+v, %v", r, err)
				}
				archive, _, err := h.functions.OpenCode(ctx, function.Ref{Name: f.Name})
				if err != nil {
					t.Fatal(err)
				}
				archive.Close()
			}
			check()
			h.stop()
			h.open()
			check()
			d.next.Store(true)
			doubt(h.functions.Delete(ctx, f.Name))
			in(!happens, "the deletion")
		}, func(c *function.Config) {
			d = &doubtful{Store: c.Store, table: "functions", happens: happens}
			c.Store = d
		})
	}
}

// TestLayerDoubts: the same of layers and their policies.
func TestLayerDoubts(t *testing.T) {
	for _, happens := range []bool{false, true} {
		var d *doubtful
		inBubble(t, func(t *testing.T, h *house) {
			ctx, of := t.Context(), function.LayerName{Account: "123456789012", Region: "eu-west-1", Name: "l"}
			one := function.LayerRef{LayerName: of, Version: 1}
			doubt := func(table string, change func() error) {
				t.Helper()
				d.table = table
				d.next.Store(true)
				if err := change(); !errors.Is(err, errDoubt) {
					t.Fatalf("not in doubt: %v", err)
				}
				h.after(2 * time.Second)
			}
			versions := func(want int) {
				t.Helper()
				if list, _ := h.functions.LayerVersions(of, "", "", 0, 10); len(list) != want {
					t.Errorf("%d versions, want %d", len(list), want)
				}
			}
			publish := func() error {
				_, err := h.functions.PublishLayer(ctx, function.Layer{Ref: function.LayerRef{LayerName: of}}, code(t, "layer"))
				return err
			}
			share := func() error {
				_, _, err := h.functions.AddLayerPermission(ctx, one, function.LayerPermission{Sid: "s", Action: "lambda:GetLayerVersion", Principal: "*"})
				return err
			}
			there := 0
			if happens {
				there = 1
			}
			doubt("function-layer-versions", publish)
			versions(there)
			h.stop()
			h.open()
			versions(there)
			if !happens {
				if err := publish(); err != nil {
					t.Fatal(err)
				}
			}
			doubt("function-layer-policies", share)
			if _, err := h.functions.LayerPolicy(one); (err == nil) != happens {
				t.Errorf("policy: %v", err)
			}
			archive, _, err := h.functions.OpenLayer(ctx, one)
			if err != nil {
				t.Fatal(err)
			}
			archive.Close()
			doubt("function-layer-versions", func() error { return h.functions.DeleteLayer(ctx, one) })
			versions(1 - there)
			h.stop()
			h.open()
			versions(1 - there)
		}, func(c *function.Config) {
			d = &doubtful{Store: c.Store, happens: happens}
			c.Store = d
		})
	}
}

// TestEventDoubts: an event of which the store could not say whether it was kept is delivered soon after if it was, and takes no
// place if it was not.
func TestEventDoubts(t *testing.T) {
	for _, happens := range []bool{false, true} {
		var d *doubtful
		eventually(t, func(t *testing.T, h *house, l *ledger, _ *post) {
			l.take()
			send := func() error { return h.functions.InvokeAsync(t.Context(), function.Invocation{Ref: ref("f")}) }
			d.next.Store(true)
			if err := send(); !errors.Is(err, errDoubt) {
				t.Fatalf("not in doubt: %v", err)
			}
			h.after(2 * time.Second)
			if ran := len(l.take()); (ran == 1) != happens {
				t.Errorf("it ran %d times", ran)
			}
			if err := send(); err != nil { // there is place for one
				t.Error(err)
			}
			h.after(2 * time.Second)
			if ran := len(l.take()); ran != 1 {
				t.Errorf("the next ran %d times", ran)
			}
		}, func(c *function.Config) {
			d = &doubtful{Store: c.Store, table: "function-events", happens: happens}
			c.Store, c.MaxEvents = d, 1
		})
	}
}

// TestEventRemovalDoubts: an event that has ended is removed, and gives up its place, also when the store failed to do it at first;
// so are those of a function that is deleted.
func TestEventRemovalDoubts(t *testing.T) {
	for _, happens := range []bool{false, true} {
		var d *doubtful
		eventually(t, func(t *testing.T, h *house, l *ledger, _ *post) {
			l.take()
			l.answer = func(string) string {
				d.next.Store(true) // of what comes next, the removal
				return `"done"`
			}
			h.event(`1`)
			h.after(0)
			if n := len(l.take()); n != 1 || d.next.Load() {
				t.Fatalf("it ran %d times, and was removed without a doubt", n)
			}
			h.after(3 * time.Second)
			if n := h.kept(); n != 0 {
				t.Errorf("%d entries left", n)
			}
			l.answer = func(string) string { return failure }
			h.event(`2`) // there is place for one
			h.after(0)
			if n := len(l.take()); n != 1 {
				t.Errorf("the next ran %d times", n)
			}
			d.next.Store(true)
			if err := h.functions.Delete(t.Context(), name("f")); err != nil {
				t.Fatal(err)
			}
			if d.next.Load() {
				t.Error("removed without a doubt")
			}
			h.after(3 * time.Second)
			if n := h.kept(); n != 0 {
				t.Errorf("%d entries left of a function that is gone", n)
			}
		}, func(c *function.Config) {
			d = &doubtful{Store: c.Store, table: "function-events", happens: happens}
			c.Store, c.MaxEvents = d, 1
		})
	}
}
