package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/queue"
)

func TestLongPollWakesOnArrival(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		go func() {
			pass(7 * time.Second)
			r.send("a")
		}()
		started := time.Now()
		if got := r.receive(10, waitFor(20*time.Second)); len(got) != 1 || time.Since(started) != 7*time.Second {
			t.Errorf("received %v after %v", bodiesOf(got), time.Since(started))
		}
	})
}

func TestLongPollWakesWhenAMessageIsVisibleAgain(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("a")
		r.receive(1, visibleAfter(3*time.Second))
		started := time.Now()
		got := r.receive(10, waitFor(20*time.Second))
		if len(got) != 1 || got[0].Count != 2 || time.Since(started) != 3*time.Second {
			t.Fatalf("received %+v after %v", got, time.Since(started))
		}
		// And when it is let go.
		go func() {
			pass(time.Second)
			if err := r.hide(got[0].Handle, 0); err != nil {
				t.Error(err)
			}
		}()
		started = time.Now()
		got = r.receive(10, waitFor(20*time.Second))
		if len(got) != 1 || time.Since(started) != time.Second {
			t.Errorf("received %v after %v", bodiesOf(got), time.Since(started))
		}
	})
}

func TestQueuesOwnWait(t *testing.T) {
	bubble(t, map[string]string{"ReceiveMessageWaitTimeSeconds": "6"}, func(t *testing.T, r *room) {
		started := time.Now()
		if got := r.receive(1); len(got) != 0 || time.Since(started) != 6*time.Second {
			t.Errorf("received %v after %v", bodiesOf(got), time.Since(started))
		}
		started = time.Now()
		if got := r.receive(1, waitFor(0)); len(got) != 0 || time.Since(started) != 0 {
			t.Errorf("received %v after %v", bodiesOf(got), time.Since(started))
		}
	})
}

func TestWaitersAreServedInOrder(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		const n = 100
		var mu sync.Mutex
		var served []string
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				got := r.receive(1, waitFor(20*time.Second))
				mu.Lock()
				defer mu.Unlock()
				served = append(served, fmt.Sprint(i, bodiesOf(got)))
			})
			synctest.Wait() // it stands in line before the next one comes
		}
		var want []string
		for i := range n {
			body := fmt.Sprint("m", i)
			r.send(body)
			synctest.Wait()
			want = append(want, fmt.Sprint(i, []string{body}))
		}
		all.Wait()
		if fmt.Sprint(served) != fmt.Sprint(want) {
			t.Errorf("served %v", served)
		}
	})
}

func TestWaiterThatGoesAwayLeavesTheLine(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		ctx, cancel := context.WithCancel(context.Background())
		wait := 20 * time.Second
		gone := make(chan error, 1)
		go func() {
			_, err := r.Receive(ctx, orders, queue.ReceiveOptions{Wait: &wait})
			gone <- err
		}()
		synctest.Wait()
		stays := make(chan []queue.Received, 1)
		go func() { stays <- r.receive(1, waitFor(wait)) }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("canceled receive: %v", err)
		}
		r.send("a")
		if got := <-stays; len(got) != 1 || got[0].Count != 1 {
			t.Errorf("the other got %+v", got)
		}
	})
}

func TestMessageGivenToOneWhoLeftComesBack(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		// Whichever of the two comes first, the message must be there for the next receive, with a count of one.
		for range 200 {
			ctx, cancel := context.WithCancel(context.Background())
			wait := 20 * time.Second
			got := make(chan []queue.Received, 1)
			go func() {
				m, _ := r.Receive(ctx, orders, queue.ReceiveOptions{Wait: &wait})
				got <- m
			}()
			synctest.Wait()
			go cancel()
			r.send("a")
			m := <-got
			if len(m) == 0 {
				m = r.expect("a")
			}
			if m[0].Count != 1 {
				t.Fatalf("count %d", m[0].Count)
			}
			r.remove(m[0].Handle)
		}
	})
}

func TestDeletingTheQueueEndsItsPolls(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		wait := 20 * time.Second
		ended := make(chan error, 1)
		go func() {
			_, err := r.Receive(context.Background(), orders, queue.ReceiveOptions{Wait: &wait})
			ended <- err
		}()
		synctest.Wait()
		if err := r.Delete(context.Background(), orders); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, queue.ErrNotFound) {
			t.Errorf("receive from a queue that was deleted: %v", err)
		}
	})
}

func TestThousandIdleReceivers(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		var all sync.WaitGroup
		started := time.Now()
		for range 1000 {
			all.Go(func() {
				if got := r.receive(1, waitFor(20*time.Second)); len(got) != 0 {
					t.Errorf("received %v", bodiesOf(got))
				}
			})
		}
		all.Wait()
		if d := time.Since(started); d != 20*time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

func TestLineIsBounded(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		wait := 20 * time.Second
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { r.receive(1, waitFor(wait)) })
		}
		synctest.Wait()
		_, err := r.Receive(context.Background(), orders, queue.ReceiveOptions{Wait: &wait})
		if !errors.Is(err, queue.ErrTooManyReceivers) {
			t.Errorf("third receiver: %v", err)
		}
		all.Wait()
	}, func(c *queue.Config) { c.Waiting = 2 })
}

func TestReceiveOptions(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		long, never := 21*time.Second, -time.Second
		days := 13 * time.Hour
		for _, c := range []struct {
			o    queue.ReceiveOptions
			want error
		}{
			{queue.ReceiveOptions{Max: 11}, queue.ErrMaxRange},
			{queue.ReceiveOptions{Max: -1}, queue.ErrMaxRange},
			{queue.ReceiveOptions{Wait: &long}, queue.ErrWaitRange},
			{queue.ReceiveOptions{Wait: &never}, queue.ErrWaitRange},
			{queue.ReceiveOptions{Visibility: &days}, queue.ErrVisibilityRange},
			{queue.ReceiveOptions{Visibility: &never}, queue.ErrVisibilityRange},
		} {
			if _, err := r.Receive(context.Background(), orders, c.o); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c.o, err)
			}
		}
	})
}

func TestEndWaitsLetsReceiversGo(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		go func() {
			pass(2 * time.Second)
			r.EndWaits()
		}()
		started := time.Now()
		if got := r.receive(10, waitFor(20*time.Second)); len(got) != 0 || time.Since(started) != 2*time.Second {
			t.Errorf("received %v after %v", bodiesOf(got), time.Since(started))
		}
		started = time.Now()
		if got := r.receive(10, waitFor(20*time.Second)); len(got) != 0 || time.Since(started) != 0 {
			t.Errorf("a later receive got %v after %v", bodiesOf(got), time.Since(started))
		}
		r.send("a")
		if got := r.receive(10, waitFor(20*time.Second)); len(got) != 1 {
			t.Errorf("received %v", bodiesOf(got))
		}
	})
}
