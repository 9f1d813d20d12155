package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/store/disk/faultfs"
	"github.com/millrace/millrace/store/storetest"
)

// doubting runs a test with a room whose store can be put in doubt, once for each fate, and in the end holds memory against
// what a restart makes of the store.
func doubting(t *testing.T, test func(r *room, d *storetest.Doubtful, fate storetest.Fate) (show func() string)) {
	t.Helper()
	for _, fate := range storetest.Fates {
		t.Run(fate.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tables := disktest.Memory(t)
				d := &storetest.Doubtful{Store: tables}
				r := open(t, d)
				defer func() { r.stop() }()
				show := test(r, d, fate)
				pass(2 * time.Second)
				if !d.Done() {
					t.Fatal("nothing came to be in doubt")
				}
				before := show()
				r.restart()
				if after := show(); after != before {
					t.Errorf("memory had %s, and the store has %s", before, after)
				}
			})
		})
	}
}

// inDoubt holds that a change failed, and of the store's doubt.
func (r *room) inDoubt(err error) {
	r.t.Helper()
	if !errors.Is(err, storetest.ErrDoubt) {
		r.t.Fatalf("not in doubt: %v", err)
	}
}

// names are all queues, with their counts and one of their settings.
func (r *room) names() string {
	r.t.Helper()
	all, _ := r.List(background, orders.Account, orders.Region, "", "", 100)
	var b strings.Builder
	for _, short := range all {
		name := orders
		name.Name = short
		q, err := r.Describe(background, name)
		if err != nil {
			r.t.Fatal(err)
		}
		c, err := r.Count(background, name)
		if err != nil {
			r.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s: visible %d, in flight %d, timeout %v, tags %v; ", short, c.Visible, c.InFlight, q.Settings.Visibility, q.Tags)
	}
	return b.String()
}

// TestDefinitionInDoubt: a queue is created, changed or deleted, or it is not, soon after too, and nothing that was
// acknowledged is lost in one that was deleted.
func TestDefinitionInDoubt(t *testing.T) {
	const table = "queue"
	t.Run("create", func(t *testing.T) {
		doubting(t, func(r *room, d *storetest.Doubtful, fate storetest.Fate) func() string {
			d.Doubt(table, fate)
			r.inDoubt(r.Create(background, orders, map[string]string{"VisibilityTimeout": "7"}, nil))
			pass(2 * time.Second)
			if _, err := r.Describe(background, orders); (err == nil) != (fate != storetest.Never) {
				r.t.Errorf("the queue: %v", err)
			}
			return r.names
		})
	})
	t.Run("change", func(t *testing.T) {
		doubting(t, func(r *room, d *storetest.Doubtful, fate storetest.Fate) func() string {
			r.create(orders, nil)
			d.Doubt(table, fate)
			r.inDoubt(r.SetAttributes(background, orders, map[string]string{"VisibilityTimeout": "7"}))
			if err := r.Tag(background, orders, map[string]string{"a": "b"}); err != nil {
				r.t.Error(err)
			}
			if q, err := r.Describe(background, orders); err != nil || (q.Settings.Visibility == 7*time.Second) != (fate != storetest.Never) {
				r.t.Errorf("the queue has %v, %v", q.Settings.Visibility, err)
			}
			return r.names
		})
	})
	t.Run("purge", func(t *testing.T) {
		doubting(t, func(r *room, d *storetest.Doubtful, fate storetest.Fate) func() string {
			r.create(orders, nil)
			r.send("a", "b")
			d.Doubt(table, fate)
			r.inDoubt(r.Purge(background, orders))
			r.send("c")
			want := 3
			if fate != storetest.Never {
				want = 1
			}
			if got := len(r.receive(10, visibleAfter(0))); got != want {
				r.t.Errorf("%d messages, want %d", got, want)
			}
			return r.names
		})
	})
	t.Run("delete", func(t *testing.T) {
		doubting(t, func(r *room, d *storetest.Doubtful, fate storetest.Fate) func() string {
			r.create(orders, nil)
			d.Doubt(table, fate)
			r.inDoubt(r.Delete(background, orders))
			_, err := r.Send(background, orders, queue.Message{Body: "a"})
			if want := fate != storetest.Never; errors.Is(err, queue.ErrNotFound) != want {
				r.t.Errorf("a send afterwards: %v", err)
			}
			return r.names
		})
	})
}

// TestMessagesInDoubt: messages are in the queue that the store has them in.
func TestMessagesInDoubt(t *testing.T) {
	for _, name := range []queue.Name{orders, {Account: orders.Account, Region: orders.Region, Name: "orders.fifo"}} {
		attributes := map[string]string{}
		if name.FIFO() {
			attributes["FifoQueue"] = "true"
		}
		message := func(body string) queue.Message {
			m := queue.Message{Body: body}
			if name.FIFO() {
				group := "g"
				m.Group, m.DeduplicationID = &group, &body
			}
			return m
		}
		t.Run(name.Name+" send", func(t *testing.T) {
			doubting(t, func(r *room, d *storetest.Doubtful, fate storetest.Fate) func() string {
				r.name = name
				r.create(name, attributes)
				r.sendMessage(message("a"))
				d.Doubt("queue-message", fate)
				_, err := r.Send(background, name, message("b"))
				r.inDoubt(err)
				r.sendMessage(message("b"))
				r.sendMessage(message("c"))
				want := "[a b b c]"
				if name.FIFO() || fate == storetest.Never {
					want = "[a b c]"
				}
				pass(time.Second)
				if got := bodiesOf(r.receive(10, visibleAfter(time.Minute))); fmt.Sprint(got) != want {
					r.t.Errorf("received %v, want %s", got, want)
				}
				return r.names
			})
		})
		t.Run(name.Name+" delete", func(t *testing.T) {
			doubting(t, func(r *room, d *storetest.Doubtful, fate storetest.Fate) func() string {
				r.name = name
				r.create(name, attributes)
				r.sendMessage(message("a"))
				r.sendMessage(message("b"))
				got := r.receive(1, visibleAfter(0))
				d.Doubt("queue-message", fate)
				_, err := r.DeleteMessages(background, name, got[0].Handle)
				if name.FIFO() && err == nil { // the handle has ended: receive it again, for longer
					got = r.receive(1, visibleAfter(time.Minute))
					_, err = r.DeleteMessages(background, name, got[0].Handle)
				}
				r.inDoubt(err)
				pass(2 * time.Minute)
				want := "[b]"
				if fate == storetest.Never {
					want = "[a b]"
				}
				left := bodiesOf(r.receive(10, visibleAfter(time.Hour)))
				slices.Sort(left)
				if fmt.Sprint(left) != want {
					r.t.Errorf("received %v, want %s", left, want)
				}
				return r.names
			})
		})
		t.Run(name.Name+" to dead letters", func(t *testing.T) {
			doubting(t, func(r *room, d *storetest.Doubtful, fate storetest.Fate) func() string {
				dead := name
				dead.Name = "dead-" + name.Name
				r.create(dead, attributes)
				r.name = name
				policy := map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, dead.ARN())}
				for k, v := range attributes {
					policy[k] = v
				}
				r.create(name, policy)
				r.sendMessage(message("a"))
				r.receive(1, visibleAfter(0))
				d.Doubt("queue-message", fate)
				_, err := r.Receive(background, name, queue.ReceiveOptions{})
				r.inDoubt(err)
				pass(2 * time.Second)
				for r.name = name; ; r.name = dead {
					if got := r.receive(1, visibleAfter(time.Hour)); len(got) == 1 {
						break
					}
					if r.name == dead {
						r.t.Error("the message is in neither queue")
						break
					}
				}
				return r.names
			})
		})
	}
}

// TestMoveInDoubt: a task that moves messages runs, or does not, and every message is in one queue.
func TestMoveInDoubt(t *testing.T) {
	dead := orders
	dead.Name = "dead"
	prepare := func(r *room) {
		r.create(dead, nil)
		r.create(orders, map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, dead.ARN())})
		r.name = dead
		r.send("a", "b", "c")
	}
	one := 1
	moves := func(r *room) func() string {
		return func() string {
			pass(10 * time.Second)
			tasks, err := r.Moves(background, dead, 10)
			return r.names() + fmt.Sprint(tasks, err)
		}
	}
	for _, step := range []string{"start", "move", "cancel"} {
		t.Run(step, func(t *testing.T) {
			doubting(t, func(r *room, d *storetest.Doubtful, fate storetest.Fate) func() string {
				prepare(r)
				if step == "start" {
					d.Doubt("queue-task", fate)
				}
				task, err := r.StartMove(background, dead, &orders, &one)
				switch step {
				case "start":
					r.inDoubt(err)
				case "move":
					d.Doubt("queue-task", fate)
				case "cancel":
					d.Doubt("queue-task", fate)
					_, err := r.CancelMove(background, dead, task.ID)
					r.inDoubt(err)
				}
				return moves(r)
			})
		})
	}
}

// TestSendMeetsFullDisk: a message that the disk filled up under is there when there is room again, or never was.
func TestSendMeetsFullDisk(t *testing.T) {
	fs := faultfs.New(vfs.NewCrashableMem())
	o := disk.Options{Dir: "data", FS: fs, BallastBytes: -1, ReserveBytes: -1, RetryInterval: 2 * time.Millisecond}
	tables, err := disk.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { tables.Close() }()
	r := open(t, tables)
	defer func() { r.stop() }()
	r.create(orders, nil)
	r.send("before")
	fs.HideUsage(true)
	fs.SetSize(fs.Used())
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	for i := range 3 { // the first is in doubt, and those after it are not taken meanwhile
		_, err := r.Send(ctx, orders, queue.Message{Body: strings.Repeat("x", 200_000)})
		if err == nil || (i == 0) != store.InDoubt(err) {
			t.Fatalf("send %d on a full disk: %v", i, err)
		}
	}
	fs.SetSize(1 << 30)
	for {
		_, err := r.Send(ctx, orders, queue.Message{Body: "after"})
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		pass(10 * time.Millisecond) // until the engine has seen that there is room
	}
	before := r.names()
	r.restart()
	if after := r.names(); after != before {
		t.Errorf("memory had %s, and the store has %s", before, after)
	}
}
