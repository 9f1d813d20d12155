package topic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/storetest"
)

// doubting runs a story in a house whose store can be put in doubt, once for each fate, and in the end holds memory against
// what a restart makes of the store.
func doubting(t *testing.T, table string, story func(h *house, doubt func(), fate storetest.Fate)) {
	t.Helper()
	for _, fate := range storetest.Fates {
		t.Run(fate.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				engine, err := disk.Open(disk.Options{Memory: true, ReserveBytes: -1})
				if err != nil {
					t.Fatal(err)
				}
				defer engine.Close()
				shareKey(t, engine)
				d, o := &storetest.Doubtful{Store: engine}, newOutside()
				h := runHouse(t, d, o)
				story(h, func() { d.Doubt(table, fate) }, fate)
				<-time.After(5 * time.Second)
				if !d.Done() {
					t.Error("nothing came to be in doubt")
				}
				before := h.inventory()
				h.stop()
				h = runHouse(t, d, o)
				defer h.stop()
				if after := h.inventory(); after != before {
					t.Errorf("memory had %s, and the store has %s", before, after)
				}
			})
		})
	}
}

var theKey keyRow // which takes a while to make

// shareKey gives the room the key that signs, the same in all tests.
func shareKey(t *testing.T, engine store.Tables) {
	t.Helper()
	keys := newSigner(engine, clockwork.NewRealClock())
	var err error
	if theKey.Key == nil {
		theKey, err = keys.make(t.Context())
	} else {
		err = keys.keys.Put(t.Context(), keyName, theKey, store.Absent)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// inventory is what there is of the topic orders, and what waits.
func (h *house) inventory() string {
	var b strings.Builder
	top, err := h.Describe(orders)
	fmt.Fprint(&b, top.Attributes, err)
	subs, _, _ := h.Subscriptions(orders, "", 100)
	for _, sub := range subs {
		fmt.Fprint(&b, " ", sub.ID, sub.Attributes)
	}
	h.backlog.mu.Lock()
	defer h.backlog.mu.Unlock()
	fmt.Fprint(&b, " waiting: ", h.backlog.depth)
	return b.String()
}

// came is how many messages came to a web server or a function, delivered to a queue.
func (h *house) came(endpoint string) int {
	h.o.mu.Lock()
	defer h.o.mu.Unlock()
	return len(h.o.bodies[endpoint])
}

func (h *house) delivered(endpoint string) int {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	return len(h.p.got[endpoint])
}

func (h *house) inDoubt(err error) {
	h.t.Helper()
	if !errors.Is(err, storetest.ErrDoubt) {
		h.t.Fatalf("not in doubt: %v", err)
	}
}

// TestTopicInDoubt: a topic and its subscriptions are changed, or they are not, soon after too.
func TestTopicInDoubt(t *testing.T) {
	ctx := context.Background()
	t.Run("create", func(t *testing.T) {
		doubting(t, tableTopics, func(h *house, doubt func(), fate storetest.Fate) {
			doubt()
			h.inDoubt(h.Create(ctx, orders, nil, nil))
			<-time.After(2 * time.Second)
			if _, err := h.Describe(orders); (err == nil) != (fate != storetest.Never) {
				h.t.Errorf("the topic: %v", err)
			}
		})
	})
	t.Run("change", func(t *testing.T) {
		doubting(t, tableTopics, func(h *house, doubt func(), fate storetest.Fate) {
			_ = h.Create(ctx, orders, nil, nil)
			doubt()
			h.inDoubt(h.SetAttribute(ctx, orders, "DisplayName", "Orders"))
		})
	})
	t.Run("delete", func(t *testing.T) {
		doubting(t, tableTopics, func(h *house, doubt func(), fate storetest.Fate) {
			_ = h.Create(ctx, orders, nil, nil)
			sub := h.subscribe(ProtocolQueue, "one", nil)
			doubt()
			h.inDoubt(h.Delete(ctx, orders))
			// A subscription that is written behind the end of its topic keeps the room from opening again.
			err := h.SetSubscriptionAttribute(ctx, orders, sub.ID, RawMessageDelivery, "true")
			if want := fate != storetest.Never; errors.Is(err, ErrSubscriptionNotFound) != want {
				h.t.Errorf("a change of a subscription afterwards: %v", err)
			}
		})
	})
	t.Run("subscribe", func(t *testing.T) {
		doubting(t, tableSubscriptions, func(h *house, doubt func(), fate storetest.Fate) {
			_ = h.Create(ctx, orders, nil, nil)
			doubt()
			_, err := h.Subscribe(ctx, orders, orders.Account, ProtocolQueue, "one", nil)
			h.inDoubt(err)
			h.subscribe(ProtocolQueue, "one", nil)
			h.publish(Message{Text: "a"})
			if n := h.delivered("one"); n != 1 {
				h.t.Errorf("the message came %d times", n)
			}
		})
	})
	t.Run("ask", func(t *testing.T) {
		doubting(t, tableSubscriptions, func(h *house, doubt func(), fate storetest.Fate) {
			_ = h.Create(ctx, orders, nil, nil)
			doubt()
			_, err := h.Subscribe(ctx, orders, orders.Account, ProtocolHTTP, "http://a", nil)
			h.inDoubt(err)
			<-time.After(2 * time.Second)
			if asked := h.came("http://a"); (asked == 1) != (fate != storetest.Never) {
				h.t.Errorf("asked %d times to confirm", asked)
			}
		})
	})
	t.Run("unsubscribe", func(t *testing.T) {
		doubting(t, tableSubscriptions, func(h *house, doubt func(), fate storetest.Fate) {
			_ = h.Create(ctx, orders, nil, nil)
			sub := h.subscribe(ProtocolQueue, "one", nil)
			doubt()
			h.inDoubt(h.Unsubscribe(ctx, orders, sub.ID))
			h.publish(Message{Text: "a"})
			if n := h.delivered("one"); (n == 0) != (fate != storetest.Never) {
				h.t.Errorf("the message came %d times", n)
			}
		})
	})
}

// TestBacklogInDoubt: what may wait for an endpoint is brought soon, once for each time that it was written, and an attempt is
// not made again because nobody knows whether the first was noted.
func TestBacklogInDoubt(t *testing.T) {
	ctx := context.Background()
	t.Run("publish", func(t *testing.T) {
		doubting(t, tableBacklog, func(h *house, doubt func(), fate storetest.Fate) {
			_ = h.Create(ctx, orders, nil, nil)
			h.subscribe(ProtocolFunction, "f", nil)
			doubt()
			_, err := h.Publish(ctx, orders, Message{Text: "a"})
			h.inDoubt(err)
			<-time.After(2 * time.Second)
			if n := h.came("f"); (n == 1) != (fate != storetest.Never) {
				h.t.Errorf("the message came %d times", n)
			}
			h.publish(Message{Text: "b"})
		})
	})
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprint("attempt that fails: ", fails), func(t *testing.T) {
			doubting(t, tableBacklog, func(h *house, doubt func(), fate storetest.Fate) {
				_ = h.Create(ctx, orders, nil, nil)
				h.confirmed("http://a", nil)
				if fails {
					h.o.set("http://a", 500)
				}
				h.o.change(func() { h.o.posted = doubt })
				h.publish(Message{Text: "a"})
				<-time.After(5 * time.Second)
				if n := h.came("http://a"); n != 1 {
					h.t.Errorf("%d attempts", n)
				}
			})
		})
	}
}
