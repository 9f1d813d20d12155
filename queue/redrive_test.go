package queue_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/queue"
)

var (
	dead     = queue.Name{Account: "000000000000", Region: "us-east-1", Name: "dead"}
	deadLine = queue.Name{Account: "000000000000", Region: "us-east-1", Name: "dead.fifo"}
)

func redriveTo(target queue.Name, count int) map[string]string {
	return map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, target.ARN(), count)}
}

// redriveBubble has the queue orders redrive to the queue dead.
func redriveBubble(t *testing.T, count int, test func(*testing.T, *room)) {
	t.Helper()
	bubble(t, nil, func(t *testing.T, r *room) {
		r.create(dead, nil)
		r.set(redriveTo(dead, count))
		test(t, r)
	})
}

func (r *room) set(attributes map[string]string) {
	r.t.Helper()
	if err := r.SetAttributes(background, r.name, attributes); err != nil {
		r.t.Fatal(err)
	}
}

// in calls f with the helpers aimed at another queue.
func (r *room) in(name queue.Name, f func()) {
	before := r.name
	r.name = name
	f()
	r.name = before
}

func TestRedrive(t *testing.T) {
	redriveBubble(t, 2, func(t *testing.T, r *room) {
		sent := r.sendMessage(queue.Message{
			Body: "poison", Attributes: map[string]queue.Attribute{"a": {Type: "String", Text: "x"}}, TraceHeader: "trace",
		})
		first := r.receive(1, visibleAfter(0))[0]
		pass(time.Minute)
		r.receive(1, visibleAfter(0))
		r.send("healthy")
		r.expect("healthy")
		r.expectCounts("visible 0, in flight 1, delayed 0")
		check := func() {
			t.Helper()
			r.in(dead, func() {
				got := r.receive(10, visibleAfter(0))
				if len(got) != 1 {
					t.Fatalf("dead letters: %v", bodiesOf(got))
				}
				m := got[0]
				if m.Body != "poison" || m.ID != sent.ID || m.DeadLetterSource != orders.ARN() || m.TraceHeader != "trace" ||
					m.Attributes["a"].Text != "x" || !m.Sent.Equal(first.Sent) || !m.FirstReceived.Equal(first.FirstReceived) {
					t.Errorf("%+v, first %+v", m, first)
				}
				if m.Count < 3 {
					t.Errorf("count %d does not go on", m.Count)
				}
			})
		}
		check()
		r.restart()
		check()
		if err := r.hide(first.Handle, time.Minute); !errors.Is(err, queue.ErrMessageGone) {
			t.Error(err)
		}
		r.remove(first.Handle)
		r.in(dead, func() {
			r.set(map[string]string{"MessageRetentionPeriod": "600"})
			pass(10*time.Minute - time.Since(first.Sent)) // its age went on
			r.expect()
		})
	})
}

func TestLongPollOfADeadLetterQueueWakes(t *testing.T) {
	redriveBubble(t, 1, func(t *testing.T, r *room) {
		r.send("poison")
		r.receive(1, visibleAfter(5*time.Second))
		done := make(chan error, 1)
		go func() { // who waits for orders sees to the redrive
			wait := 10 * time.Second
			_, err := r.Receive(background, orders, queue.ReceiveOptions{Wait: &wait})
			done <- err
		}()
		started := time.Now()
		r.in(dead, func() {
			if got := r.receive(1, waitFor(20*time.Second)); len(got) != 1 || time.Since(started) != 5*time.Second {
				t.Errorf("%v after %v", bodiesOf(got), time.Since(started))
			}
		})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutItsDeadLetterQueueAMessageStays(t *testing.T) {
	redriveBubble(t, 1, func(t *testing.T, r *room) {
		r.send("poison")
		r.receive(1, visibleAfter(0))
		if err := r.Delete(background, dead); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got := r.receive(1, visibleAfter(0)); len(got) != 1 {
				t.Fatal("the message is gone")
			}
		}
		r.set(map[string]string{"RedrivePolicy": ""})
		r.expect("poison")
	})
}

func TestRedriveOfAGroup(t *testing.T) {
	fifoBubble(t, nil, func(t *testing.T, r *room) {
		r.create(deadLine, map[string]string{"FifoQueue": "true"})
		r.set(redriveTo(deadLine, 1))
		r.put("g", "m0", "m1", "m2")
		r.receive(2, visibleAfter(0))
		r.expect("m2") // the others had their turn
		r.in(deadLine, func() {
			got := r.expect("m0", "m1")
			if got[0].Group != "g" || got[0].DeduplicationID == "" || got[0].DeadLetterSource != line.ARN() || got[0].SequenceNumber >= got[1].SequenceNumber {
				t.Errorf("%+v", got[0])
			}
		})
	})
}

func TestRedrivePoliciesAreJudged(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		r.create(dead, map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:other"]}`})
		r.create(deadLine, map[string]string{"FifoQueue": "true"})
		arn := dead.ARN()
		for _, c := range []struct {
			attribute, value string
			want             queue.RedriveProblem
		}{
			{"RedrivePolicy", "", 0},
			{"RedrivePolicy", "x", queue.RedriveMalformed},
			{"RedrivePolicy", "[]", queue.RedriveMalformed},
			{"RedrivePolicy", "null", queue.RedriveMalformed},
			{"RedrivePolicy", "{}", queue.RedriveNoCount},
			{"RedrivePolicy", `{"maxReceiveCount":1}`, queue.RedriveNoTarget},
			{"RedrivePolicy", `{"maxReceiveCount":0,"deadLetterTargetArn":"` + arn + `"}`, queue.RedriveCountRange},
			{"RedrivePolicy", `{"maxReceiveCount":"1001","deadLetterTargetArn":"` + arn + `"}`, queue.RedriveCountRange},
			{"RedrivePolicy", `{"maxReceiveCount":1.5,"deadLetterTargetArn":"` + arn + `"}`, queue.RedriveCountRange},
			{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"dead"}`, queue.RedriveTargetARN},
			{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"arn:aws:sns:us-east-1:000000000000:t"}`, queue.RedriveTargetService},
			{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"` + arn + `","x":1}`, queue.RedriveUnknownField},
			{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"` + deadLine.ARN() + `"}`, queue.RedriveOtherType},
			{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111111111111:dead"}`, queue.RedriveOtherOwner},
			{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"` + arn + `2"}`, queue.RedriveTargetMissing},
			{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"` + orders.ARN() + `"}`, queue.RedriveTargetMissing},
			{"RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"` + arn + `"}`, queue.RedriveDenied},
			{"RedriveAllowPolicy", `{"redrivePermission":"allowAll"}`, 0},
			{"RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`, 0},
			{"RedriveAllowPolicy", `{}`, queue.AllowMalformed},
			{"RedriveAllowPolicy", `{"redrivePermission":"allowAll","x":1}`, queue.AllowMalformed},
			{"RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":"x"}`, queue.AllowMalformed},
			{"RedriveAllowPolicy", `{"redrivePermission":"allowAll","sourceQueueArns":["x"]}`, queue.AllowSourcesUnasked},
			{"RedriveAllowPolicy", `{"redrivePermission":"byQueue"}`, queue.AllowNoSources},
			{"RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["1","2","3","4","5","6","7","8","9","10","11"]}`, queue.AllowTooManySources},
		} {
			err := r.SetAttributes(background, orders, map[string]string{c.attribute: c.value})
			var refused *queue.RedriveError
			if c.want == 0 && err != nil || c.want != 0 && (!errors.As(err, &refused) || refused.Problem != c.want) {
				t.Errorf("%s=%s: %v, want problem %d", c.attribute, c.value, err, c.want)
			}
		}
	})
}

// poison makes dead letters of messages of orders.
func (r *room) poison(bodies ...string) {
	r.t.Helper()
	r.send(bodies...)
	for len(r.receive(10, visibleAfter(0))) > 0 {
	}
}

func (r *room) moves(want string) {
	r.t.Helper()
	all, err := r.Moves(background, dead, 10)
	if err != nil {
		r.t.Fatal(err)
	}
	got := ""
	for _, t := range all {
		got += fmt.Sprintf("%s %d of %d %s;", t.Status, t.Moved, t.ToMove, t.Failure)
	}
	if got != want {
		r.t.Fatalf("moves: %s, want %s", got, want)
	}
}

func TestMoveBack(t *testing.T) {
	redriveBubble(t, 1, func(t *testing.T, r *room) {
		r.poison("a", "b")
		pass(time.Hour)
		if _, err := r.StartMove(background, dead, nil, nil); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		got := r.expect("a", "b")
		if m := got[0]; m.Count != 1 || m.DeadLetterSource != "" || time.Since(m.Sent) > 2*time.Second {
			t.Errorf("%+v", m)
		}
		r.moves("COMPLETED 2 of 2 ;")
		r.in(dead, func() { r.expectCounts("visible 0, in flight 0, delayed 0") })
	})
}

func TestMoveAtARateOutlivesARestart(t *testing.T) {
	redriveBubble(t, 1, func(t *testing.T, r *room) {
		other := queue.Name{Account: orders.Account, Region: orders.Region, Name: "other"}
		r.create(other, nil)
		var bodies []string
		for i := range 10 {
			bodies = append(bodies, fmt.Sprint(i))
		}
		r.poison(bodies...)
		two := 2
		task, err := r.StartMove(background, dead, &other, &two)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.StartMove(background, dead, nil, nil); !errors.Is(err, queue.ErrTaskRunning) {
			t.Error(err)
		}
		pass(1500 * time.Millisecond)
		synctest.Wait()
		r.moves("RUNNING 4 of 10 ;")
		r.restart()
		pass(500 * time.Millisecond)
		synctest.Wait()
		r.moves("RUNNING 6 of 10 ;")
		ended, err := r.CancelMove(background, dead, task.ID)
		if err != nil || ended.Moved != 6 {
			t.Errorf("%+v %v", ended, err)
		}
		if _, err := r.CancelMove(background, dead, task.ID); !errors.Is(err, queue.ErrTaskEnded) {
			t.Error(err)
		}
		if _, err := r.CancelMove(background, dead, "other"); !errors.Is(err, queue.ErrTaskNotFound) {
			t.Error(err)
		}
		pass(time.Minute)
		r.restart()
		pass(time.Minute)
		r.moves("CANCELLED 6 of 10 ;")
		r.in(other, func() { r.expectCounts("visible 6, in flight 0, delayed 0") })
		r.in(dead, func() { r.expectCounts("visible 4, in flight 0, delayed 0") })
	})
}

func TestMovesThatFail(t *testing.T) {
	redriveBubble(t, 1, func(t *testing.T, r *room) {
		start := func(to *queue.Name) error {
			_, err := r.StartMove(background, dead, to, nil)
			return err
		}
		r.in(dead, func() { r.send("sent here") })
		if err := start(nil); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		r.moves("FAILED 0 of 1 CouldNotDetermineMessageSource;")
		r.in(dead, func() { r.remove(r.expect("sent here")[0].Handle) })

		second := queue.Name{Account: orders.Account, Region: orders.Region, Name: "second"}
		r.create(second, redriveTo(dead, 1))
		r.in(second, func() { r.poison("lonely") })
		if err := r.Delete(background, second); err != nil {
			t.Fatal(err)
		}
		if err := start(nil); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		r.moves("FAILED 0 of 1 AWS.SimpleQueueService.NonExistentQueue;FAILED 0 of 1 CouldNotDetermineMessageSource;")
		r.in(dead, func() { r.expectCounts("visible 1, in flight 0, delayed 0") })

		zero, missing := 0, queue.Name{Account: "0", Region: "r", Name: "missing"}
		r.create(line, map[string]string{"FifoQueue": "true"})
		_, rate := r.StartMove(background, dead, nil, &zero)
		_, source := r.StartMove(background, orders, nil, nil)
		_, absent := r.StartMove(background, missing, nil, nil)
		for err, want := range map[error]error{
			start(&missing): queue.ErrDestinationNotFound, start(&dead): queue.ErrSameQueue, start(&line): queue.ErrQueueTypes,
			rate: queue.ErrMoveRate, source: queue.ErrNotDeadLetterQueue, absent: queue.ErrNotFound,
		} {
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
	})
}

func TestTenTasksAreKept(t *testing.T) {
	redriveBubble(t, 1, func(t *testing.T, r *room) {
		for range 13 {
			if _, err := r.StartMove(background, dead, nil, nil); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
		}
		all, err := r.Moves(background, dead, 100)
		if err != nil || len(all) != 10 || all[0].Started <= all[9].Started {
			t.Errorf("%d tasks, %v", len(all), err)
		}
	})
}

func TestTagsAndPolicies(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		if err := r.Tag(background, orders, map[string]string{"a": "1", "b": "2"}); err != nil {
			t.Fatal(err)
		}
		if err := r.Untag(background, orders, []string{"a", "c"}); err != nil {
			t.Fatal(err)
		}
		if err := r.EditPolicy(background, orders, func(string) (string, error) {
			return `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*"}}`, nil
		}); err != nil {
			t.Fatal(err)
		}
		many := map[string]string{}
		for i := range queue.MaxTags {
			many[fmt.Sprint(i)] = ""
		}
		if err := r.Tag(background, orders, many); !errors.Is(err, queue.ErrTooManyTags) {
			t.Error(err)
		}
		r.restart()
		q, err := r.Describe(background, orders)
		if err != nil || fmt.Sprint(q.Tags) != "map[b:2]" || q.Attributes["Policy"] != `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*"}}` {
			t.Errorf("%+v %v", q, err)
		}
		for _, bad := range []string{"x", "[]", "{}", `{"Statement":[]}`, `{"Statement":[{"Effect":"Maybe"}]}`, `{"Version":"1","Statement":[{"Effect":"Deny"}]}`} {
			if err := r.SetAttributes(background, orders, map[string]string{"Policy": bad}); err == nil {
				t.Errorf("policy %s was accepted", bad)
			}
		}
	})
}
