package topic

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var bills = Name{orders.Account, orders.Region, "bills.fifo"}

func inGroup(text, group, dedup string) Message {
	m := Message{Text: text, Group: &group}
	if dedup != "" {
		m.DeduplicationID = &dedup
	}
	return m
}

func (h *house) inOrder(messages ...Message) []Published {
	h.t.Helper()
	out, err := h.Publish(h.t.Context(), bills, messages...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// A FIFO topic knows a message again for five minutes, across a crash too, and forgets it then.
func TestFIFODeduplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		h := newHouse(t, fs, newOutside())
		if err := h.Create(t.Context(), bills, map[string]string{FIFOTopic: "true"}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Subscribe(t.Context(), bills, bills.Account, ProtocolQueue, "q", map[string]string{RawMessageDelivery: "true"}); err != nil {
			t.Fatal(err)
		}
		first := h.inOrder(inGroup("a", "g", "1"), inGroup("b", "g", "2"), inGroup("c", "g", "1"))
		if first[0] != first[2] || first[0] == first[1] || first[0].SequenceNumber >= first[1].SequenceNumber || len(first[0].SequenceNumber) != 20 {
			t.Errorf("%+v", first)
		}
		clone := fs.CrashClone(vfs.CrashCloneCfg{})
		h.stop()
		h = newHouse(t, clone, newOutside())
		defer h.stop()
		synctestSleep(dedupWindow - time.Second)
		again := h.inOrder(inGroup("d", "h", "2"), inGroup("e", "h", "3"))
		if again[0] != first[1] || again[1].SequenceNumber <= first[1].SequenceNumber {
			t.Errorf("%+v after %+v", again, first)
		}
		if got := h.p.got["q"]; len(got) != 1 || got[0].Body != "e" || *got[0].Group != "h" || *got[0].DeduplicationID != "3" {
			t.Errorf("%+v", got)
		}
		synctestSleep(2 * time.Second)
		if later := h.inOrder(inGroup("f", "g", "1")); later[0] == first[0] {
			t.Errorf("%+v is known for ever", later)
		}
		if n := h.noted(t); n != 2 {
			t.Errorf("%d are noted", n)
		}
	})
}

// noted counts what FIFO topics know again.
func (h *house) noted(t *testing.T) (n int) {
	t.Helper()
	ages := 0
	for _, err := range h.dedups.Scan(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	for _, err := range h.ages.Scan(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		ages++
	}
	if ages != n {
		t.Errorf("%d are noted, %d have an age", n, ages)
	}
	return n
}

// By the settings messages are known by their content, and in their group alone. A publish that failed is no reason not to
// deliver the next one, and a new topic of the name knows nothing.
func TestFIFOSettings(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		create := func() {
			t.Helper()
			attributes := map[string]string{FIFOTopic: "true", ContentBasedDeduplication: "true", FIFOThroughputScope: "MessageGroup"}
			if err := h.Create(ctx, bills, attributes, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Subscribe(ctx, bills, bills.Account, ProtocolQueue, "q", nil); err != nil {
				t.Fatal(err)
			}
		}
		create()
		full := errors.New("disk full")
		h.p.fail["q"] = full
		if _, err := h.Publish(ctx, bills, inGroup("x", "g", "")); !errors.Is(err, full) {
			t.Error(err)
		}
		h.p.fail["q"] = nil
		out := h.inOrder(inGroup("x", "g", ""), inGroup("x", "g", ""), inGroup("x", "h", ""))
		if out[0] != out[1] || out[0] == out[2] || len(h.p.got["q"]) != 2 {
			t.Errorf("%+v %+v", out, h.p.got)
		}
		synctestSleep(time.Second)
		if err := h.Delete(ctx, bills); err != nil {
			t.Fatal(err)
		}
		if n := h.noted(t); n != 0 {
			t.Errorf("%d are noted of a topic that is gone", n)
		}
		create()
		if fresh := h.inOrder(inGroup("x", "g", "")); fresh[0] == out[0] || len(h.p.got["q"]) != 3 {
			t.Errorf("%+v is known from an earlier topic", fresh)
		}
	})
}

func TestFIFORefusals(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		if err := h.Create(ctx, bills, map[string]string{FIFOTopic: "true"}, nil); err != nil {
			t.Fatal(err)
		}
		long := fmt.Sprintf("%0129d", 1)
		for name, c := range map[string]struct {
			topic Name
			m     Message
			want  error
		}{
			"no group":         {bills, Message{Text: "x"}, ErrNoGroup},
			"no deduplication": {bills, inGroup("x", "g", ""), ErrNoDeduplication},
			"a long group":     {bills, inGroup("x", long, "d"), ErrGroup},
			"a long id":        {bills, inGroup("x", "g", long), ErrDeduplication},
			"a standard topic": {orders, inGroup("x", "g", "d"), ErrDeduplicationForeign},
		} {
			if _, err := h.Publish(ctx, c.topic, c.m); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, attributes := range map[string]map[string]string{"orders": {FIFOTopic: "true"}, "x.fifo": nil, ".fifo": {FIFOTopic: "true"}} {
			if err := h.Create(ctx, Name{orders.Account, orders.Region, name}, attributes, nil); !errors.Is(err, ErrInvalidFIFOName) && !errors.Is(err, ErrInvalidName) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
