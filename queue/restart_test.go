package queue_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/disktest"
)

func TestGracefulRestartKeepsEverything(t *testing.T) {
	bubble(t, map[string]string{"VisibilityTimeout": "60"}, func(t *testing.T, r *room) {
		r.send("hidden", "let go", "not received")
		delay := time.Minute
		r.sendMessage(queue.Message{Body: "delayed", Delay: &delay})
		got := r.receive(2)
		if err := r.hide(got[1].Handle, 0); err != nil {
			t.Fatal(err)
		}
		r.expectCounts("visible 2, in flight 1, delayed 1")
		r.restart()
		r.expectCounts("visible 2, in flight 1, delayed 1")
		again := r.receive(10)
		byBody := map[string]queue.Received{}
		for _, m := range again {
			byBody[m.Body] = m
		}
		if m := byBody["let go"]; m.Count != 2 || !m.FirstReceived.Equal(got[1].FirstReceived) || m.ID != got[1].ID {
			t.Errorf("let go before the restart, received after: %+v, before: %+v", m, got[1])
		}
		if m := byBody["not received"]; m.Count != 1 {
			t.Errorf("not received before: %+v", m)
		}
		pass(time.Minute)
		r.remove(got[0].Handle) // a handle from before
		bodies := map[string]bool{}
		for _, m := range r.receive(10) {
			bodies[m.Body] = true
			r.remove(m.Handle)
		}
		if fmt.Sprint(bodies) != fmt.Sprint(map[string]bool{"let go": true, "not received": true, "delayed": true}) {
			t.Errorf("after a minute: %v", bodies)
		}
		r.restart()
		r.expectCounts("visible 0, in flight 0, delayed 0")
		pass(5 * time.Second)
		r.expectRows(0)
	})
}

func TestReceiveIsWrittenBehindWithinASecond(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("kept", "deleted")
		got := r.receive(2)
		r.remove(got[1].Handle)
		r.expectRows(2) // nothing was written for the receives
		pass(time.Second)
		synctest.Wait()
		r.expectRows(3)
		r.remove(got[0].Handle)
		r.expectRows(0)
	})
}

// TestCrash loses power with messages in all states, and everything that was not synced.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		tables, err := disk.Open(disk.Options{FS: fs, Dir: "/store"})
		if err != nil {
			t.Fatal(err)
		}
		r := open(t, tables)
		r.create(orders, map[string]string{"VisibilityTimeout": "600"})
		for i := range 20 {
			r.send(fmt.Sprint("m", i))
		}
		before := r.receive(10)
		pass(5 * time.Second) // written behind
		recent := r.receive(5)
		r.remove(before[0].Handle, before[1].Handle, recent[0].Handle)
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		r.stop()
		tables.Close()

		tables, err = disk.Open(disk.Options{FS: crashed, Dir: "/store"})
		if err != nil {
			t.Fatal(err)
		}
		r = open(t, tables)
		t.Cleanup(func() {
			r.stop()
			tables.Close()
		})
		// Three were deleted, and stay so. Eight are hidden. Four were received within the last second, which was
		// forgotten; and five were never received.
		r.expectCounts("visible 9, in flight 8, delayed 0")
		seen := map[string]int{}
		for range 2 {
			for _, m := range r.receive(10) {
				seen[m.Body] = m.Count
			}
		}
		for i := range 20 {
			want := 1
			if i < 10 || i == 10 {
				want = 0
			}
			if body := fmt.Sprint("m", i); seen[body] != want {
				t.Errorf("%s has count %d, want %d", body, seen[body], want)
			}
		}
		// A handle of a receive that was forgotten deletes for good; so does one that was kept.
		r.remove(recent[1].Handle, before[2].Handle)
		pass(600 * time.Second)
		left := map[string]int{}
		for range 2 {
			for _, m := range r.receive(10) {
				left[m.Body] = m.Count
			}
		}
		if len(left) != 15 || left["m3"] != 2 || left["m2"] != 0 || left["m11"] != 0 {
			t.Errorf("after the timeout: %v", left)
		}
	})
}

func TestHandleOfAForgottenReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		tables, err := disk.Open(disk.Options{FS: fs, Dir: "/store"})
		if err != nil {
			t.Fatal(err)
		}
		r := open(t, tables)
		r.create(orders, nil)
		r.send("deleted", "hidden", "let go")
		got := r.receive(3)
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		r.stop()
		tables.Close()
		if tables, err = disk.Open(disk.Options{FS: crashed, Dir: "/store"}); err != nil {
			t.Fatal(err)
		}
		r = open(t, tables)
		t.Cleanup(func() {
			r.stop()
			tables.Close()
		})
		r.expectCounts("visible 3, in flight 0, delayed 0")
		r.remove(got[0].Handle)
		for i, d := range []time.Duration{30 * time.Second, 0} {
			if err := r.hide(got[1+i].Handle, d); err != nil {
				t.Fatal(err)
			}
		}
		r.expectCounts("visible 1, in flight 1, delayed 0")
		if m := r.expect("let go")[0]; m.Count != 2 {
			t.Errorf("count %d, want 2: the handle remembers one", m.Count)
		}
		r.remove(got[1].Handle, got[2].Handle)
		pass(5 * time.Second)
		r.expectRows(0)
	})
}

func TestNumbersAreNeverUsedAgain(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("a")
		old := r.expect("a")[0]
		r.remove(old.Handle)
		r.restart()
		r.send("b")
		r.remove(old.Handle)
		r.expect("b")
		// Not in another queue, not in the next one of the name.
		if err := r.Delete(context.Background(), orders); err != nil {
			t.Fatal(err)
		}
		r.create(orders, nil)
		r.send("c")
		refused, err := r.DeleteMessages(context.Background(), orders, old.Handle)
		if err != nil || refused[0] != queue.ErrInvalidHandle {
			t.Errorf("handle of a deleted queue: %v %v", refused, err)
		}
		r.expect("c")
	})
}

// TestClockIsTheOneHandedIn freezes time.
func TestClockIsTheOneHandedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := clockwork.NewFakeClockAt(time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.UTC))
		r := open(t, disktest.Memory(t), func(c *queue.Config) { c.Clock = clock })
		t.Cleanup(func() { r.stop() })
		r.create(orders, nil)
		r.send("a")
		if m := r.expect("a")[0]; !m.Sent.Equal(clock.Now()) {
			t.Errorf("sent at %v", m.Sent)
		}
		got := make(chan []queue.Received, 1)
		go func() { got <- r.receive(1, waitFor(20*time.Second)) }()
		synctest.Wait()
		clock.Advance(15 * time.Second)
		synctest.Wait()
		clock.Advance(5 * time.Second)
		if m := <-got; len(m) != 0 {
			t.Errorf("received %v", bodiesOf(m))
		}
		go func() { got <- r.receive(1, waitFor(20*time.Second)) }()
		synctest.Wait()
		clock.Advance(10 * time.Second)
		if m := <-got; len(m) != 1 || m[0].Count != 2 {
			t.Errorf("received %+v", m)
		}
	})
}
