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
	next    atomic.Bool
	happens bool
}

var errDoubt = errors.New("whether it happens is not known yet")

func (d *doubtful) Commit(ctx context.Context, writes ...store.Write) error {
	about := func(w store.Write) bool { return w.Table == "functions" }
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
			d = &doubtful{Store: c.Store, happens: happens}
			c.Store = d
		})
	}
}
