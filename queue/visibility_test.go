package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/millrace/millrace/queue"
)

func TestReceivedMessageIsHiddenUntilItsTimeout(t *testing.T) {
	bubble(t, map[string]string{"VisibilityTimeout": "20"}, func(t *testing.T, r *room) {
		r.send("a")
		first := r.expect("a")[0]
		if first.Count != 1 || first.FirstReceived != first.Sent {
			t.Errorf("first receive: %+v", first)
		}
		pass(20*time.Second - time.Millisecond)
		r.expect()
		r.expectCounts("visible 0, in flight 1, delayed 0")
		pass(time.Millisecond)
		r.expectCounts("visible 1, in flight 0, delayed 0")
		second := r.expect("a")[0]
		if second.Count != 2 || second.FirstReceived != first.FirstReceived || second.ID != first.ID {
			t.Errorf("second receive: %+v", second)
		}
		if second.Handle == first.Handle {
			t.Error("both receives have one handle")
		}
		r.remove(second.Handle)
		pass(time.Hour)
		r.expect()
		r.expectCounts("visible 0, in flight 0, delayed 0")
	})
}

func TestTimeoutOfTheReceiveGoesBeforeTheQueues(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("a")
		r.receive(1, visibleAfter(2*time.Second))
		pass(2 * time.Second)
		r.expect("a")
	})
}

func TestZeroTimeoutLeavesTheMessageVisible(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("a")
		for count := 1; count <= 3; count++ {
			got := r.receive(10, visibleAfter(0))
			if len(got) != 1 || got[0].Count != count {
				t.Fatalf("receive %d: %+v", count, got)
			}
		}
	})
}

func TestChangeVisibility(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("a")
		m := r.expect("a")[0]

		// A heartbeat keeps it hidden beyond the queue's 30 s.
		for range 5 {
			pass(20 * time.Second)
			if err := r.hide(m.Handle, 30*time.Second); err != nil {
				t.Fatal(err)
			}
			r.expect()
		}
		// Letting it go makes it visible at once.
		if err := r.hide(m.Handle, 0); err != nil {
			t.Fatal(err)
		}
		r.expect("a")
		// An older handle still works, as on AWS.
		if err := r.hide(m.Handle, 0); err != nil {
			t.Fatal(err)
		}
		m = r.expect("a")[0]
		// A message that timed out and was not received since can be hidden again.
		pass(time.Minute)
		if err := r.hide(m.Handle, time.Minute); err != nil {
			t.Fatal(err)
		}
		r.expect()
		// Twelve hours from the receive are the end.
		if err := r.hide(m.Handle, 12*time.Hour); !errors.Is(err, queue.ErrVisibilityTotal) {
			t.Errorf("12 h, a minute after the receive: %v", err)
		}
		if err := r.hide(m.Handle, 12*time.Hour+time.Second); !errors.Is(err, queue.ErrVisibilityRange) {
			t.Errorf("more than 12 h: %v", err)
		}
		if err := r.hide(m.Handle, -1); !errors.Is(err, queue.ErrVisibilityRange) {
			t.Errorf("less than nothing: %v", err)
		}
		if err := r.hide("garbage", 0); !errors.Is(err, queue.ErrInvalidHandle) {
			t.Errorf("garbage: %v", err)
		}
		r.remove(m.Handle)
		if err := r.hide(m.Handle, 0); !errors.Is(err, queue.ErrMessageGone) {
			t.Errorf("deleted message: %v", err)
		}
	})
}

func TestOldHandleDeletes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("a")
		old := r.expect("a")[0]
		pass(time.Minute)
		r.remove(old.Handle) // visible again
		r.expect()
		r.send("b")
		old = r.expect("b")[0]
		pass(time.Minute)
		r.expect("b")
		r.remove(old.Handle) // in flight by another receive
		r.remove(old.Handle) // and again
		pass(time.Hour)
		r.expect()
	})
}

func TestInFlightLimit(t *testing.T) {
	limit := func(c *queue.Config) { c.InFlight = 3 }
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("a", "b", "c", "d", "e")
		got := r.expect("a", "b", "c")
		_, err := r.Receive(context.Background(), orders, queue.ReceiveOptions{})
		if !errors.Is(err, queue.ErrOverLimit) {
			t.Errorf("short poll over the limit: %v", err)
		}
		// A long poll waits without an error, and gets on when a place is free.
		started := time.Now()
		if got := r.receive(1, waitFor(5*time.Second)); len(got) != 0 || time.Since(started) != 5*time.Second {
			t.Errorf("long poll over the limit: %v after %v", got, time.Since(started))
		}
		go func() {
			pass(time.Second)
			r.remove(got[1].Handle)
		}()
		started = time.Now()
		if got := r.receive(1, waitFor(5*time.Second)); len(got) != 1 || got[0].Body != "d" || time.Since(started) != time.Second {
			t.Errorf("long poll with a place free: %v after %v", bodiesOf(got), time.Since(started))
		}
	}, limit)
}

func TestReturnedMessagesTakeTurnsWithNewOnes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("poison")
		for i := range 6 {
			r.send(string(rune('a' + i)))
		}
		var order []string
		for range 9 {
			m := r.receive(1)[0]
			order = append(order, m.Body)
			if m.Body == "poison" {
				if err := r.hide(m.Handle, 0); err != nil {
					t.Fatal(err)
				}
				continue
			}
			r.remove(m.Handle)
		}
		others, poison := 0, 0
		for _, b := range order {
			if b == "poison" {
				poison++
			} else {
				others++
			}
		}
		if others < 4 || poison < 3 {
			t.Errorf("order %v: neither may starve", order)
		}
	})
}
