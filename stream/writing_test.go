package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
)

// overlapping is a store that fills a draft at once and then waits for the test to say how the append ends, so that several
// blocks of a shard are under way.
type overlapping struct {
	*disk.Store
	come chan chan ending // of each append, in order
}

// ending is how an append ends: it happens, if it does, and is answered with err.
type ending struct {
	happens bool
	err     error
}

func (o *overlapping) Append(ctx context.Context, log store.LogID, draft store.Draft) (uint64, error) {
	data, err := draft.Fill()
	if err != nil {
		return 0, err
	}
	end := make(chan ending)
	o.come <- end
	e := <-end
	if !e.happens {
		return 0, e.err
	}
	ordinal, err := o.Store.Append(ctx, log, store.Data(data))
	if e.err != nil {
		err = e.err
	}
	return ordinal, err
}

// TestBlocksUnderWayTogether has three blocks of a shard under way, which end in their order as far as they happen, and are
// answered in every order of the goroutines that wait for them.
func TestBlocksUnderWayTogether(t *testing.T) {
	lost := errors.New("timed out")
	for name, c := range map[string]struct {
		ends [3]ending
		want []string
	}{
		"all happen":              {[3]ending{{true, nil}, {true, nil}, {true, nil}}, []string{"0", "1", "2"}},
		"no room for the first":   {[3]ending{{false, store.ErrFull}, {true, nil}, {true, nil}}, []string{"1", "2"}},
		"no room in between":      {[3]ending{{true, nil}, {false, store.ErrFull}, {true, nil}}, []string{"0", "2"}},
		"the first is in doubt":   {[3]ending{{true, lost}, {true, nil}, {true, nil}}, []string{"0", "1", "2"}},
		"the first did not":       {[3]ending{{false, lost}, {true, nil}, {true, nil}}, []string{"1", "2"}},
		"the second is in doubt":  {[3]ending{{true, nil}, {true, lost}, {true, nil}}, []string{"0", "1", "2"}},
		"all of them are":         {[3]ending{{true, lost}, {true, lost}, {true, lost}}, []string{"0", "1", "2"}},
		"none happened in truth":  {[3]ending{{false, lost}, {false, lost}, {false, lost}}, nil},
		"the last did not happen": {[3]ending{{true, nil}, {true, nil}, {false, lost}}, []string{"0", "1"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			st := r.make("s", 1)
			key := ShardKey{st.Number, 0}
			r.put("s", "k", "before")
			under := &overlapping{Store: r.hooks.Store, come: make(chan chan ending)}
			r.appender.blocks = under
			var calls []<-chan outcome
			var ends []chan ending
			for i := range c.ends {
				calls = append(calls, r.putLater(t.Context(), "s", []Entry{{PartitionKey: "k", Data: []byte(fmt.Sprint(i))}}))
				ends = append(ends, <-under.come)
			}
			read := func() []string {
				found, _ := r.drain(key, 0, 1)
				return texts(found)
			}
			if got := read(); !slices.Equal(got, []string{"before"}) {
				t.Errorf("%s: read before anything is durable: %q", name, got)
			}
			for i, end := range ends {
				end <- c.ends[i]
				synctest.Wait()
			}
			for i, call := range calls {
				o := <-call
				if o.err != nil || (o.puts[0].Err == nil) != (c.ends[i].err == nil) || !errors.Is(o.puts[0].Err, c.ends[i].err) {
					t.Errorf("%s: put %d: %v", name, i, o)
				}
			}
			r.appender.blocks = r.hooks
			last := r.put("s", "k", "after")
			want := append(append([]string{"before"}, c.want...), "after")
			if got := read(); !slices.Equal(got, want) {
				t.Errorf("%s: read %q, want %q", name, got, want)
			}
			found, _ := r.drain(key, 0, 1)
			if p := found[len(found)-1].Position; p != last.SequenceNumber.Origin().Position {
				t.Errorf("%s: position %x", name, uint64(p))
			}
			r.stop()
		})
	}
}

// TestLaterBlockIsAnsweredFirst: when the goroutine of a later block comes first, its puts are answered and shown behind those
// of the earlier one all the same.
func TestLaterBlockIsAnsweredFirst(t *testing.T) {
	l := openLog(ShardKey{1, 0}, Shard{}, true)
	a := &appender{tail: newTail(1 << 20), queueBytes: 1 << 20}
	writings := make([]*writing, 3)
	calls := make([]*call, 3)
	for i := range writings {
		calls[i] = newCall([]Entry{{PartitionKey: "k", Data: []byte{byte(i)}}})
		calls[i].news = make(chan news, 2)
		l.queue = []*group{{call: calls[i], log: l, indexes: []int{0}}}
		writings[i] = &writing{log: l, ordinal: uint64(i + 1)}
		if _, err := writings[i].Fill(); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{2, 1} {
		if a.end(writings[i], nil); l.tip != 0 || len(calls[i].news) > 0 {
			t.Fatalf("block %d is there before the first", i)
		}
	}
	if l.quiet() {
		t.Error("quiet with blocks under way")
	}
	a.end(writings[0], nil)
	blocks, ok := a.tail.after(l.key, 0, l.tip)
	if len(blocks) != 3 || !ok || blocks[0].ordinal != 1 || l.tip != blocks[2].end() || !l.quiet() {
		t.Errorf("%d blocks, tip %x", len(blocks), uint64(l.tip))
	}
	for i, c := range calls {
		if n := <-c.news; !n.done || c.results[0].Err != nil {
			t.Errorf("put %d: %v", i, c.results[0].Err)
		}
	}
	// A block that is filled after its append was answered is none.
	late := &writing{log: l}
	a.end(late, errors.New("gave up"))
	if _, err := late.Fill(); err == nil {
		t.Error("filled after the end")
	}
}
