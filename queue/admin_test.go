package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/queue"
)

var background = context.Background()

func TestCreateIsIdempotentForEqualAttributes(t *testing.T) {
	given := map[string]string{"DelaySeconds": "1", "ReceiveMessageWaitTimeSeconds": "1"}
	bubble(t, given, func(t *testing.T, r *room) {
		for _, same := range []map[string]string{nil, given, {"DelaySeconds": "1"}, {"VisibilityTimeout": "30"}} {
			r.create(orders, same)
		}
		err := r.Create(background, orders, map[string]string{"ReceiveMessageWaitTimeSeconds": "1", "DelaySeconds": "2"}, nil)
		var exists *queue.ExistsError
		if !errors.As(err, &exists) || exists.Attribute != "DelaySeconds" {
			t.Errorf("another delay: %v", err)
		}
		if err := r.SetAttributes(background, orders, map[string]string{"DelaySeconds": "2"}); err != nil {
			t.Fatal(err)
		}
		r.create(orders, map[string]string{"DelaySeconds": "2"})
		r.restart()
		r.create(orders, map[string]string{"DelaySeconds": "2", "ReceiveMessageWaitTimeSeconds": "1"})
	})
}

func TestDescribe(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		created := time.Now()
		d, err := r.Describe(background, orders)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
			"ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true",
		}
		if fmt.Sprint(d.Attributes) != fmt.Sprint(want) || !d.Created.Equal(created) || !d.Modified.Equal(created) {
			t.Errorf("a new queue: %+v", d)
		}
		pass(time.Minute)
		set := map[string]string{
			"VisibilityTimeout": "0", "MessageRetentionPeriod": "60", "MaximumMessageSize": "1024",
			"Policy": "", "RedrivePolicy": "", "KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": "300",
		}
		if err := r.SetAttributes(background, orders, set); err != nil {
			t.Fatal(err)
		}
		r.restart()
		if d, err = r.Describe(background, orders); err != nil {
			t.Fatal(err)
		}
		want["VisibilityTimeout"], want["MessageRetentionPeriod"], want["MaximumMessageSize"] = "0", "60", "1024"
		if fmt.Sprint(d.Attributes) != fmt.Sprint(want) || !d.Created.Equal(created) || !d.Modified.Equal(time.Now()) {
			t.Errorf("a changed queue: %+v", d)
		}
		if s := d.Settings; s.Visibility != 0 || s.Retention != time.Minute || s.MaxBytes != 1024 {
			t.Errorf("settings: %+v", s)
		}
	})
}

func TestAttributesAreJudged(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		for _, c := range []struct {
			name, value string
			want        queue.AttributeProblem // 0: accepted
		}{
			{"DelaySeconds", "0", 0},
			{"DelaySeconds", "900", 0},
			{"DelaySeconds", "901", queue.InvalidAttribute},
			{"DelaySeconds", "-1", queue.InvalidAttribute},
			{"DelaySeconds", "", queue.InvalidAttribute},
			{"DelaySeconds", " 1", queue.InvalidAttribute},
			{"DelaySeconds", "1.0", queue.InvalidAttribute},
			{"DelaySeconds", "99999999999999999999", queue.InvalidAttribute},
			{"MaximumMessageSize", "1023", queue.InvalidAttribute},
			{"MaximumMessageSize", "1048577", queue.InvalidAttribute},
			{"MaximumMessageSize", "262144", 0},
			{"MessageRetentionPeriod", "59", queue.InvalidAttribute},
			{"MessageRetentionPeriod", "1209600", 0},
			{"MessageRetentionPeriod", "1209601", queue.InvalidAttribute},
			{"ReceiveMessageWaitTimeSeconds", "20", 0},
			{"ReceiveMessageWaitTimeSeconds", "21", queue.InvalidAttribute},
			{"VisibilityTimeout", "43200", 0},
			{"VisibilityTimeout", "43201", queue.InvalidAttribute},
			{"SqsManagedSseEnabled", "false", 0},
			{"SqsManagedSseEnabled", "maybe", queue.InvalidAttribute},
			{"Policy", "", 0},
			{"Policy", "{}", queue.InvalidAttribute},
			{"KmsMasterKeyId", "alias/aws/sqs", queue.UnsupportedAttribute},
			{"KmsDataKeyReusePeriodSeconds", "300", 0},
			{"KmsDataKeyReusePeriodSeconds", "600", queue.UnsupportedAttribute},
			{"FifoQueue", "true", queue.UnknownAttribute},
			{"ContentBasedDeduplication", "true", queue.UnknownAttribute},
			{"DeduplicationScope", "queue", queue.FIFOOnlyAttribute},
			{"FifoThroughputLimit", "perQueue", queue.FIFOOnlyAttribute},
			{"QueueArn", "x", queue.UnknownAttribute},
			{"All", "x", queue.UnknownAttribute},
			{"", "", queue.UnknownAttribute},
		} {
			err := r.SetAttributes(background, orders, map[string]string{c.name: c.value})
			var refused *queue.AttributeError
			switch {
			case c.want == 0 && err != nil:
				t.Errorf("%s=%q: %v", c.name, c.value, err)
			case c.want != 0 && (!errors.As(err, &refused) || refused.Name != c.name || refused.Problem != c.want):
				t.Errorf("%s=%q: %v, want problem %d", c.name, c.value, err, c.want)
			}
		}
	})
}

func TestNames(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		for name, valid := range map[string]bool{
			"a": true, "A-b_9": true, strings.Repeat("x", 80): true,
			"": false, strings.Repeat("x", 81): false, "a.fifo": false, "a/b": false, "ä": false, "a b": false,
		} {
			err := r.Create(background, queue.Name{Account: "1", Region: "eu-west-1", Name: name}, nil, nil)
			if valid && err != nil || !valid && !errors.Is(err, queue.ErrInvalidName) {
				t.Errorf("name %q: %v", name, err)
			}
		}
	})
	n, err := queue.ParseARN("arn:aws:sqs:us-east-1:000000000000:orders")
	if err != nil || n != orders || n.ARN() != "arn:aws:sqs:us-east-1:000000000000:orders" {
		t.Errorf("%v %v", n, err)
	}
	for _, s := range []string{
		"", "orders", "arn:aws:sns:us-east-1:000000000000:orders", "arn:aws:sqs::000000000000:orders",
		"arn:aws:sqs:us-east-1::orders", "arn:aws:sqs:us-east-1:000000000000:", "arn:aws:sqs:us-east-1:000000000000:a:b",
	} {
		if n, err := queue.ParseARN(s); err == nil {
			t.Errorf("%q is %v", s, n)
		}
	}
}

func TestList(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		for _, n := range []string{"b-2", "a-1", "b-1", "b-3"} {
			r.create(queue.Name{Account: "000000000000", Region: "us-east-1", Name: n}, nil)
		}
		r.create(queue.Name{Account: "000000000000", Region: "eu-west-1", Name: "b-4"}, nil)
		r.create(queue.Name{Account: "000000000001", Region: "us-east-1", Name: "b-5"}, nil)
		for _, c := range []struct {
			prefix, after string
			limit         int
			want          string
		}{
			{"", "", 10, "[a-1 b-1 b-2 b-3 orders] false"},
			{"b-", "", 10, "[b-1 b-2 b-3] false"},
			{"b-", "", 2, "[b-1 b-2] true"},
			{"b-", "b-2", 2, "[b-3] false"},
			{"c", "", 2, "[] false"},
		} {
			names, more := r.List(background, "000000000000", "us-east-1", c.prefix, c.after, c.limit)
			if got := fmt.Sprint(names, more); got != c.want {
				t.Errorf("%+v: %s", c, got)
			}
		}
	})
}

func TestPurge(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		delay := time.Minute
		r.send("in flight", "visible")
		m := r.receive(1)[0]
		r.sendMessage(queue.Message{Body: "delayed", Delay: &delay})
		pass(2 * time.Second)
		r.restart() // the purge covers messages of earlier starts
		if err := r.Purge(background, orders); err != nil {
			t.Fatal(err)
		}
		r.expectCounts("visible 0, in flight 0, delayed 0")
		r.send("sent later")
		r.remove(m.Handle) // no error
		if err := r.hide(m.Handle, time.Minute); !errors.Is(err, queue.ErrMessageGone) {
			t.Errorf("visibility of a purged message: %v", err)
		}
		pass(10 * time.Second)
		r.expectRows(2)
		var again *queue.PurgeInProgressError
		if err := r.Purge(background, orders); !errors.As(err, &again) || again.Queue != "orders" {
			t.Errorf("purge after 10 s: %v", err)
		}
		r.restart()
		r.expectCounts("visible 1, in flight 0, delayed 0")
		if err := r.Purge(background, orders); !errors.As(err, &again) {
			t.Errorf("purge after 10 s and a restart: %v", err)
		}
		pass(50 * time.Second)
		r.expect("sent later")
		if err := r.Purge(background, orders); err != nil {
			t.Errorf("purge after a minute: %v", err)
		}
		pass(time.Hour)
		r.expect()
		r.expectRows(0)
	})
}

func TestPurgeOfManyIsDoneAtOnceAndClearedUpLater(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		for range 3000 {
			r.send("x")
		}
		if err := r.Purge(background, orders); err != nil {
			t.Fatal(err)
		}
		r.stop()
		r.restart() // before all rows are gone
		r.expectCounts("visible 0, in flight 0, delayed 0")
		r.send("later")
		pass(5 * time.Second)
		r.expectRows(2)
		r.expect("later")
	})
}

func TestDelete(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		for range 1200 {
			r.send("x")
		}
		r.receive(10)
		if err := r.Delete(background, orders); err != nil {
			t.Fatal(err)
		}
		_, err1 := r.Send(background, orders, queue.Message{Body: "x"})
		_, err2 := r.Receive(background, orders, queue.ReceiveOptions{})
		_, err3 := r.Describe(background, orders)
		_, err4 := r.Count(background, orders)
		_, err5 := r.DeleteMessages(background, orders, "x")
		_, err6 := r.ChangeVisibility(background, orders, queue.VisibilityChange{})
		for i, err := range []error{
			err1, err2, err3, err4, err5, err6, r.Delete(background, orders), r.Purge(background, orders),
			r.SetAttributes(background, orders, nil),
		} {
			if !errors.Is(err, queue.ErrNotFound) {
				t.Errorf("%d: %v", i, err)
			}
		}
		r.restart() // with its rows half cleared up, perhaps
		r.create(orders, nil)
		r.expect()
		r.send("new")
		pass(5 * time.Second)
		r.expectRows(2)
		r.expect("new")
	})
}

func TestRecreateDelay(t *testing.T) {
	delay := func(c *queue.Config) { c.RecreateDelay = time.Minute }
	bubble(t, nil, func(t *testing.T, r *room) {
		if err := r.Delete(background, orders); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		r.restart(delay)
		pass(50*time.Second - time.Millisecond)
		if err := r.Create(background, orders, nil, nil); !errors.Is(err, queue.ErrDeletedRecently) {
			t.Errorf("created again within a minute: %v", err)
		}
		pass(time.Millisecond)
		r.create(orders, nil)
	}, delay)
}

func TestBacklogLargerThanTheWindow(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		const n = 7000
		for i := range n / 10 {
			var batch []queue.Message
			for j := range 10 {
				batch = append(batch, queue.Message{Body: fmt.Sprint(10*i + j)})
			}
			if _, err := r.Send(background, orders, batch...); err != nil {
				t.Fatal(err)
			}
		}
		r.expectCounts("visible 7000, in flight 0, delayed 0")
		for i := range n / 10 {
			if i == n/20 {
				pass(2 * time.Second)
				r.restart()
				r.expectCounts("visible 3500, in flight 0, delayed 0")
			}
			var handles []string
			for j, m := range r.receive(10) {
				if m.Body != fmt.Sprint(10*i+j) {
					t.Fatalf("received %s instead of %d", m.Body, 10*i+j)
				}
				handles = append(handles, m.Handle)
			}
			r.remove(handles...)
		}
		r.expect()
		r.expectCounts("visible 0, in flight 0, delayed 0")
		r.expectRows(0)
	})
}
