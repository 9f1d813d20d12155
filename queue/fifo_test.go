package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/queue"
)

// line is a FIFO queue.
var line = queue.Name{Account: "000000000000", Region: "us-east-1", Name: "line.fifo"}

// fifoBubble is bubble with the queue line besides.
func fifoBubble(t *testing.T, attributes map[string]string, test func(*testing.T, *room), edit ...func(*queue.Config)) {
	t.Helper()
	bubble(t, nil, func(t *testing.T, r *room) {
		all := map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}
		for name, value := range attributes {
			all[name] = value
		}
		r.create(line, all)
		r.name = line
		test(t, r)
	}, edit...)
}

// put sends to a message group.
func (r *room) put(group string, bodies ...string) (last queue.Sent) {
	r.t.Helper()
	for _, b := range bodies {
		last = r.sendMessage(queue.Message{Body: b, Group: &group})
	}
	return last
}

func TestGroupIsClosedWhileAMessageOfItIsInFlight(t *testing.T) {
	fifoBubble(t, nil, func(t *testing.T, r *room) {
		r.put("a", "a1", "a2", "a3")
		r.put("b", "b1")
		one := r.receive(1)
		if one[0].Body != "a1" || one[0].Group != "a" || len(one[0].SequenceNumber) != 20 {
			t.Fatalf("%+v", one[0])
		}
		r.expect("b1")
		r.expect()
		r.remove(one[0].Handle)
		r.expect("a2", "a3")
		r.expect()
		pass(30 * time.Second)
		again := r.receive(10) // both groups are open again, each in its order
		if got := fmt.Sprint(bodiesOf(again)); got != "[a2 a3 b1]" && got != "[b1 a2 a3]" {
			t.Errorf("after the timeout: %s", got)
		}
	})
}

// TestGroupIsOpenUpToTheFirstMessageOutOfSight follows what AWS was seen to do when one of several messages of a group
// stays hidden for longer.
func TestGroupIsOpenUpToTheFirstMessageOutOfSight(t *testing.T) {
	for i, want := range [][]string{{}, {"m0"}, {"m0", "m1"}} {
		fifoBubble(t, map[string]string{"VisibilityTimeout": "1"}, func(t *testing.T, r *room) {
			r.put("g", "m0", "m1", "m2")
			got := r.expect("m0", "m1", "m2")
			if err := r.hide(got[i].Handle, 4*time.Second); err != nil {
				t.Fatal(err)
			}
			pass(2 * time.Second)
			r.expect(want...)
		})
	}
}

func TestReleasedMessageIsNextOfItsGroup(t *testing.T) {
	fifoBubble(t, nil, func(t *testing.T, r *room) {
		r.put("g", "m0", "m1")
		got := r.receive(1)
		if err := r.hide(got[0].Handle, 0); err != nil {
			t.Fatal(err)
		}
		if again := r.expect("m0", "m1"); again[0].Count != 2 || again[0].ID != got[0].ID || again[0].SequenceNumber != got[0].SequenceNumber {
			t.Errorf("%+v, before %+v", again[0], got[0])
		}
	})
}

func TestExpiredHandle(t *testing.T) {
	fifoBubble(t, map[string]string{"VisibilityTimeout": "2"}, func(t *testing.T, r *room) {
		r.put("g", "m")
		old := r.receive(1)[0].Handle
		pass(2 * time.Second)
		refused, err := r.DeleteMessages(background, line, old)
		if err != nil || !errors.Is(refused[0], queue.ErrHandleExpired) {
			t.Errorf("%v %v", refused, err)
		}
		if err := r.hide(old, time.Second); !errors.Is(err, queue.ErrMessageGone) {
			t.Error(err)
		}
		now := r.receive(1)[0].Handle
		if refused, err := r.DeleteMessages(background, line, old); err != nil || !errors.Is(refused[0], queue.ErrHandleExpired) {
			t.Errorf("%v %v", refused, err)
		}
		r.remove(now, now)
		pass(time.Hour)
		r.expect()
	})
}

func TestDeduplication(t *testing.T) {
	fifoBubble(t, nil, func(t *testing.T, r *room) {
		first := r.put("a", "m")
		r.remove(r.expect("m")[0].Handle)
		if again := r.put("b", "m"); again.ID != first.ID || again.SequenceNumber != first.SequenceNumber || again.Digest == "" {
			t.Errorf("sent again: %+v, first %+v", again, first)
		}
		r.restart()
		pass(4 * time.Minute)
		r.put("a", "m")
		r.expect()
		pass(time.Minute)
		if again := r.put("a", "m"); again.ID == first.ID {
			t.Errorf("five minutes later: %+v", again)
		}
		r.remove(r.expect("m")[0].Handle)
		id := "m"
		r.sendMessage(queue.Message{Body: "other", Group: &id, DeduplicationID: &id})
		if got := r.expect("other"); got[0].DeduplicationID != "m" {
			t.Errorf("%+v", got[0])
		} else {
			r.remove(got[0].Handle)
		}
		pass(time.Hour)
		synctest.Wait()
		for _, err := range r.tables.Scan(background, "queue-dedup", "", "") {
			t.Fatal("sends are remembered for ever", err)
		}
	})
}

func TestDeduplicationWithinABatchAndByGroup(t *testing.T) {
	fifoBubble(t, map[string]string{"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}, func(t *testing.T, r *room) {
		a, b := "a", "b"
		sent, err := r.Send(background, line, queue.Message{Body: "m", Group: &a}, queue.Message{Body: "m", Group: &b}, queue.Message{Body: "m", Group: &a})
		if err != nil || sent[0].ID == sent[1].ID || sent[0].ID != sent[2].ID || sent[0].SequenceNumber != sent[2].SequenceNumber {
			t.Fatalf("%+v %v", sent, err)
		}
		r.expect("m", "m")
	})
}

func TestSendsThatAFIFOQueueRefuses(t *testing.T) {
	fifoBubble(t, map[string]string{"ContentBasedDeduplication": "false"}, func(t *testing.T, r *room) {
		id, bad, delay, none := "id", "a b", time.Second, time.Duration(0)
		parameter := new(queue.ParameterError)
		for name, c := range map[string]struct {
			m    queue.Message
			want error
		}{
			"no group":        {queue.Message{Body: "m", DeduplicationID: &id}, queue.ErrNoGroup},
			"no id":           {queue.Message{Body: "m", Group: &id}, queue.ErrNoDeduplication},
			"a delay":         {queue.Message{Body: "m", Group: &id, DeduplicationID: &id, Delay: &delay}, parameter},
			"a bad group":     {queue.Message{Body: "m", Group: &bad, DeduplicationID: &id}, parameter},
			"a bad id":        {queue.Message{Body: "m", Group: &id, DeduplicationID: &bad}, parameter},
			"none, with zero": {queue.Message{Body: "m", Group: &id, DeduplicationID: &id, Delay: &none}, nil},
		} {
			sent, err := r.Send(background, line, c.m)
			if err != nil {
				t.Fatal(name, err)
			}
			var refused *queue.ParameterError
			if got := sent[0].Err; c.want == parameter && !errors.As(got, &refused) || c.want != parameter && !errors.Is(got, c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	})
}

// TestDelayOfAFIFOQueueIsTheQueues changes it for messages that are there.
func TestDelayOfAFIFOQueueIsTheQueues(t *testing.T) {
	fifoBubble(t, map[string]string{"DelaySeconds": "60"}, func(t *testing.T, r *room) {
		r.put("g", "m")
		r.expectCounts("visible 0, in flight 0, delayed 1")
		r.expect()
		go func() {
			pass(10 * time.Second)
			if err := r.SetAttributes(background, line, map[string]string{"DelaySeconds": "20"}); err != nil {
				t.Error(err)
			}
		}()
		started := time.Now()
		if got := r.receive(1, waitFor(20*time.Second)); len(got) != 1 || time.Since(started) != 20*time.Second {
			t.Errorf("%v after %v", bodiesOf(got), time.Since(started))
		}
	})
}

func TestLongPollWakesWhenAGroupOpens(t *testing.T) {
	fifoBubble(t, nil, func(t *testing.T, r *room) {
		r.put("g", "m0", "m1")
		got := r.receive(1)
		go func() {
			pass(3 * time.Second)
			r.remove(got[0].Handle)
		}()
		started := time.Now()
		if got := r.receive(1, waitFor(20*time.Second)); fmt.Sprint(bodiesOf(got)) != "[m1]" || time.Since(started) != 3*time.Second {
			t.Errorf("%v after %v", bodiesOf(got), time.Since(started))
		}
	})
}

func TestReceiveIsRepeatedUnderItsName(t *testing.T) {
	fifoBubble(t, nil, func(t *testing.T, r *room) {
		r.put("g", "m0", "m1")
		named := func(o *queue.ReceiveOptions) { o.AttemptID = "attempt" }
		first := r.receive(1, named)
		pass(20 * time.Second)
		again := r.receive(1, named)
		if len(again) != 1 || again[0].Handle != first[0].Handle || again[0].Count != 1 {
			t.Fatalf("%+v, first %+v", again, first)
		}
		pass(20 * time.Second) // it was hidden anew
		r.expect()
		r.remove(first[0].Handle)
		if got := r.receive(1, named); fmt.Sprint(bodiesOf(got)) != "[m1]" {
			t.Errorf("after a delete: %v", bodiesOf(got))
		}
	})
}

// TestGroupsBeyondMemory has a backlog longer than memory may know of.
func TestGroupsBeyondMemory(t *testing.T) {
	fifoBubble(t, nil, func(t *testing.T, r *room) {
		for i := range 40 {
			r.put(fmt.Sprint("g", i%3), fmt.Sprint(i))
		}
		for restarted := range 2 {
			next := map[string]int{}
			for range 8 {
				for _, m := range r.receive(2, visibleAfter(0)) {
					next[m.Group]++
				}
			}
			if len(next) != 3 {
				t.Errorf("restarted %d times: groups %v", restarted, next)
			}
			r.restart(func(c *queue.Config) { c.InFlight = 10 })
		}
		seen := map[string]int{"g0": -3, "g1": -2, "g2": -1}
		for n := 0; n < 40; {
			got := r.receive(3)
			if len(got) == 0 {
				t.Fatalf("nothing after %d", n)
			}
			for _, m := range got {
				if m.Body != fmt.Sprint(seen[m.Group]+3) {
					t.Fatalf("%s after %d in %s", m.Body, seen[m.Group], m.Group)
				}
				seen[m.Group] += 3
				r.remove(m.Handle)
				n++
			}
		}
		r.expect()
		pass(10 * time.Minute)
		synctest.Wait()
		r.expectRows(0)
	}, func(c *queue.Config) { c.InFlight = 10 })
}

func TestExpiryInGroups(t *testing.T) {
	fifoBubble(t, map[string]string{"MessageRetentionPeriod": "60"}, func(t *testing.T, r *room) {
		r.put("g", "old", "older")
		r.receive(1, visibleAfter(time.Hour))
		pass(30 * time.Second)
		r.put("g", "new")
		pass(31 * time.Second)
		r.expect("new") // those before it are gone, and no longer close the group
		pass(2 * time.Minute)
		synctest.Wait()
		r.expectRows(0)
	})
}

func TestPurgeOfAFIFOQueue(t *testing.T) {
	fifoBubble(t, nil, func(t *testing.T, r *room) {
		r.put("g", "m0", "m1")
		r.receive(1)
		if err := r.Purge(background, line); err != nil {
			t.Fatal(err)
		}
		r.put("g", "m2")
		r.expect("m2")
		r.restart()
		r.expect()
		pass(30 * time.Second)
		r.expect("m2")
	})
}

func TestNamesAndTypesGoTogether(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		for _, c := range []struct {
			name string
			fifo string
			want error
		}{
			{"a", "true", queue.ErrInvalidFIFOName},
			{"a.fifo", "", queue.ErrInvalidName},
			{"a.b.fifo", "true", queue.ErrInvalidFIFOName},
			{".fifo", "true", queue.ErrInvalidFIFOName},
			{"a.fifo", "True", nil},
		} {
			attributes := map[string]string{}
			if c.fifo != "" {
				attributes["FifoQueue"] = c.fifo
			}
			err := r.Create(context.Background(), queue.Name{Account: "1", Region: "r", Name: c.name}, attributes, nil)
			if !errors.Is(err, c.want) {
				t.Errorf("%s FifoQueue=%q: %v, want %v", c.name, c.fifo, err, c.want)
			}
		}
	})
}
