package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/millrace/millrace/queue"
)

func TestDelay(t *testing.T) {
	bubble(t, map[string]string{"DelaySeconds": "10"}, func(t *testing.T, r *room) {
		none, longer := time.Duration(0), 15*time.Minute
		r.send("queue's own")
		r.sendMessage(queue.Message{Body: "longest", Delay: &longer})
		r.sendMessage(queue.Message{Body: "none", Delay: &none})
		r.expectCounts("visible 1, in flight 0, delayed 2")
		r.remove(r.expect("none")[0].Handle)
		pass(10*time.Second - time.Millisecond)
		r.expect()
		pass(time.Millisecond)
		r.expectCounts("visible 1, in flight 0, delayed 1")
		r.remove(r.expect("queue's own")[0].Handle)

		// A delay that is set later is for messages sent later.
		if err := r.SetAttributes(context.Background(), orders, map[string]string{"DelaySeconds": "0"}); err != nil {
			t.Fatal(err)
		}
		r.send("at once")
		r.remove(r.expect("at once")[0].Handle)
		// A long poll wakes when the delay is over.
		pass(15*time.Minute - 10*time.Second - 5*time.Second)
		started := time.Now()
		if got := r.receive(1, waitFor(20*time.Second)); len(got) != 1 || time.Since(started) != 5*time.Second {
			t.Errorf("received %v after %v", bodiesOf(got), time.Since(started))
		}
		r.expectCounts("visible 0, in flight 1, delayed 0")
	})
}

func TestDelaysOutOfRange(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		for _, d := range []time.Duration{-time.Second, 15*time.Minute + time.Second} {
			sent, err := r.Send(context.Background(), orders, queue.Message{Body: "a", Delay: &d})
			if err != nil || !errors.Is(sent[0].Err, queue.ErrDelayRange) {
				t.Errorf("delay %v: %v %v", d, sent, err)
			}
		}
	})
}

func TestDelayedMessagesComeInOrderOfTheirTime(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		for _, s := range []int{5, 3, 9, 1, 7} {
			d := time.Duration(s) * time.Second
			r.sendMessage(queue.Message{Body: string(rune('0' + s)), Delay: &d})
		}
		pass(10 * time.Second)
		r.expect("1", "3", "5", "7", "9")
	})
}

func TestRetention(t *testing.T) {
	bubble(t, map[string]string{"MessageRetentionPeriod": "60"}, func(t *testing.T, r *room) {
		r.send("received", "not received")
		pass(5 * time.Second)
		m := r.receive(1, visibleAfter(time.Minute))[0]
		r.expectCounts("visible 1, in flight 1, delayed 0")
		pass(55*time.Second - time.Millisecond)
		r.expectCounts("visible 1, in flight 1, delayed 0")
		pass(time.Millisecond)
		r.expect() // exact for receivers
		pass(2 * time.Second)
		r.expectCounts("visible 0, in flight 0, delayed 0") // and soon for the counts
		pass(time.Minute)
		r.expect()
		r.remove(m.Handle) // no error
		r.expectRows(0)

		// A shorter retention is for the messages that are there, too.
		if err := r.SetAttributes(context.Background(), orders, map[string]string{"MessageRetentionPeriod": "86400"}); err != nil {
			t.Fatal(err)
		}
		r.send("long")
		pass(24*time.Hour - time.Second)
		r.remove(r.expect("long")[0].Handle)
		r.send("shortened")
		pass(time.Hour)
		if err := r.SetAttributes(context.Background(), orders, map[string]string{"MessageRetentionPeriod": "60"}); err != nil {
			t.Fatal(err)
		}
		r.expect()
		pass(2 * time.Second)
		r.expectRows(0)
	})
}

func TestExpiryWithoutAnybodyLooking(t *testing.T) {
	bubble(t, map[string]string{"MessageRetentionPeriod": "60"}, func(t *testing.T, r *room) {
		for range 3000 { // more than the window holds
			r.send("x")
		}
		r.restart()
		pass(2 * time.Minute)
		r.expectRows(0)
		r.expectCounts("visible 0, in flight 0, delayed 0")
	})
}

// expectRows counts what the store holds for messages.
func (r *room) expectRows(want int) {
	r.t.Helper()
	got := 0
	for _, table := range []string{"queue-message", "queue-body", "queue-receive"} {
		for _, err := range r.tables.Scan(context.Background(), table, "", "") {
			if err != nil {
				r.t.Fatal(err)
			}
			got++
		}
	}
	if got != want {
		r.t.Fatalf("the store holds %d rows, want %d", got, want)
	}
}

func TestExpiredMessagesAreNotReceivedThoughNobodyClearedThemUp(t *testing.T) {
	bubble(t, map[string]string{"MessageRetentionPeriod": "60"}, func(t *testing.T, r *room) {
		r.send("returned", "never received")
		r.receive(1, visibleAfter(0))
		r.stop() // no housekeeping
		pass(time.Minute - time.Millisecond)
		if got := r.receive(10, visibleAfter(0)); len(got) != 2 {
			t.Errorf("shortly before: %v", bodiesOf(got))
		}
		pass(time.Millisecond)
		r.expect()
	})
}
