package protocol

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(100)
		ctx, cancel := context.WithCancel(context.Background())
		if n, ok := b.take(ctx, 60, time.Second); n != 60 || !ok {
			t.Fatal(n, ok)
		}
		// One who wants more than is left waits, and those behind it wait in line, small or not.
		got := make(chan string, 3)
		go func() {
			if n, ok := b.take(ctx, 1000, time.Minute); ok && n == 100 {
				got <- "large"
				b.give(n)
			}
		}()
		synctest.Wait()
		go func() {
			if _, ok := b.take(ctx, 1, time.Minute); ok {
				got <- "small"
				b.give(1)
			}
		}()
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("somebody jumped the line")
		}
		b.give(60)
		if first, second := <-got, <-got; first != "large" || second != "small" {
			t.Fatal(first, second)
		}

		// One who gives up lets those behind it go on.
		if _, ok := b.take(ctx, 60, time.Second); !ok {
			t.Fatal("not given back")
		}
		impatient, giveUp := context.WithCancel(ctx)
		go func() {
			if _, ok := b.take(impatient, 100, time.Minute); !ok {
				got <- "gave up"
			}
		}()
		synctest.Wait()
		go func() {
			if _, ok := b.take(ctx, 40, time.Minute); ok {
				got <- "went on"
			}
		}()
		synctest.Wait()
		giveUp()
		if a, c := <-got, <-got; a == c {
			t.Fatal(a, c)
		}
		start := time.Now()
		if _, ok := b.take(ctx, 1, 3*time.Second); ok || time.Since(start) != 3*time.Second {
			t.Fatal(ok, time.Since(start))
		}
		cancel()
		b.give(100)
		if b.free != 100 || b.waiting.Len() != 0 {
			t.Fatal(b.free, b.waiting.Len())
		}
	})
}

// A body counts with its whole buffer as long as it has that, and with its length when it has been decoded.
func TestBodyCounts(t *testing.T) {
	h := &handler{budget: newBudget(20 << 20)}
	b := &body{budget: h.budget}
	held := func(when string, want int64) {
		t.Helper()
		if got := h.budget.size - h.budget.free; got != want || b.taken != want {
			t.Errorf("%s: %d bytes are taken, %d of them by the body, expected %d", when, got, b.taken, want)
		}
	}
	if err := h.extend(httptest.NewRequest("POST", "/", nil), b, 5<<20); err != nil {
		t.Fatal(err)
	}
	b.bytes = b.bytes[:5<<20]
	held("read", int64(cap(b.bytes)))
	b.decoded()
	if b.bytes != nil {
		t.Error("the buffer is held when the body has been decoded")
	}
	held("decoded", 5<<20)
	b.decoded()
	held("decoded again", 5<<20)
	b.release()
	held("released", 0)
}

func TestBuffers(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 4097, 1 << 20, 5 << 20} {
		b := borrow(n)
		if len(b) != 0 || cap(b) < n || int64(cap(b)) != lentFor(int64(n)) {
			t.Errorf("%d: %d %d", n, len(b), cap(b))
		}
		giveBack(append(b, "x"...))
	}
	giveBack(nil)
	giveBack(make([]byte, 10))
}
