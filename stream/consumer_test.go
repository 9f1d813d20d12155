package stream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// register makes a consumer and waits until it is ACTIVE.
func (r *rig) register(stream, name string) Consumer {
	r.t.Helper()
	if _, err := r.RegisterConsumer(r.t.Context(), named(stream), name, nil); err != nil {
		r.t.Fatal(err)
	}
	return r.awaitConsumer(ConsumerID{Stream: named(stream), Name: name}, StatusActive)
}

func (r *rig) awaitConsumer(id ConsumerID, want Status) Consumer {
	r.t.Helper()
	for range 20_000 {
		if c, err := r.DescribeConsumer(r.t.Context(), id); err == nil && c.Status == want {
			return c
		}
		<-r.clock.After(time.Millisecond)
	}
	r.t.Fatalf("consumer %s does not become %s", id, want)
	return Consumer{}
}

func (r *rig) consumerStatus(id ConsumerID) Status {
	r.t.Helper()
	synctest.Wait()
	c, err := r.DescribeConsumer(r.t.Context(), id)
	if _, ok := errors.AsType[*ConsumerNotFoundError](err); ok {
		return "gone"
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Status
}

func TestConsumerComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: 10 * time.Second})
		ctx, name := t.Context(), named("s")
		if _, err := r.RegisterConsumer(ctx, name, "c", nil); !errors.As(err, new(*NotFoundError)) {
			t.Errorf("no stream: %v", err)
		}
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.RegisterConsumer(ctx, name, "c", nil); !errors.As(err, new(*StateError)) {
			t.Errorf("a CREATING stream: %v", err)
		}
		r.pass(10*time.Second + 300*time.Millisecond)
		for _, bad := range []string{"", "a/b", strings.Repeat("x", 129)} {
			if _, err := r.RegisterConsumer(ctx, name, bad, nil); !errors.Is(err, ErrName) {
				t.Errorf("name %q: %v", bad, err)
			}
		}
		c, err := r.RegisterConsumer(ctx, name, "c", nil)
		if err != nil || c.Status != StatusCreating || c.Stream != name || !c.Created.Equal(r.clock.Now().Truncate(time.Second)) {
			t.Fatalf("%+v, %v", c, err)
		}
		if want := fmt.Sprintf("arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:%d", c.Created.Unix()); c.ARN() != want {
			t.Errorf("ARN %s, want %s", c.ARN(), want)
		}
		if _, err := r.RegisterConsumer(ctx, name, "c", nil); !errors.As(err, new(*ConsumerExistsError)) {
			t.Errorf("second of the name: %v", err)
		}
		r.pass(10*time.Second - 1)
		if got := r.consumerStatus(c.ID()); got != StatusCreating {
			t.Errorf("%s before its time", got)
		}
		r.restart() // it is durable, and goes on
		r.pass(1)
		if got := r.consumerStatus(c.ID()); got != StatusActive {
			t.Errorf("is %s", got)
		}
		byName := ConsumerID{Stream: name, Name: "c"}
		if got, err := r.DescribeConsumer(ctx, byName); err != nil || got.ARN() != c.ARN() || r.CountConsumers(name) != 1 {
			t.Errorf("by name: %+v, %v", got, err)
		}
		older := c.ID()
		older.Created--
		for _, id := range []ConsumerID{older, {Stream: name, Name: "d"}, {Stream: named("t"), Name: "c"}} {
			if err := r.DeregisterConsumer(ctx, id); !errors.As(err, new(*ConsumerNotFoundError)) {
				t.Errorf("%v: %v", id, err)
			}
		}
		for range 2 { // the second call changes nothing, and does not begin the delay anew
			if err := r.DeregisterConsumer(ctx, c.ID()); err != nil {
				t.Fatal(err)
			}
			if got := r.consumerStatus(c.ID()); got != StatusDeleting {
				t.Errorf("deregistered, is %s", got)
			}
			r.pass(4 * time.Second)
			r.restart()
		}
		if _, err := r.RegisterConsumer(ctx, name, "c", nil); !errors.As(err, new(*ConsumerExistsError)) {
			t.Errorf("registered while DELETING: %v", err)
		}
		r.pass(2 * time.Second)
		if got := r.consumerStatus(c.ID()); got != "gone" || r.CountConsumers(name) != 0 {
			t.Fatalf("is %s", got)
		}
		again, err := r.RegisterConsumer(ctx, name, "c", nil)
		if err != nil || again.ARN() == c.ARN() {
			t.Errorf("%+v, %v", again, err)
		}
		r.stop()
	})
}

// TestConsumerWithoutDelay has the answer come before the change.
func TestConsumerWithoutDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.make("s", 1)
		c, err := r.RegisterConsumer(t.Context(), named("s"), "c", nil)
		if err != nil || c.Status != StatusCreating {
			t.Fatalf("%+v, %v", c, err)
		}
		if got := r.consumerStatus(c.ID()); got != StatusActive {
			t.Errorf("is %s", got)
		}
		if err := r.DeregisterConsumer(t.Context(), c.ID()); err != nil {
			t.Fatal(err)
		}
		// Its ARN has a second in it, which no other may have.
		r.pass(c.Created.Add(time.Second - 1).Sub(r.clock.Now()))
		if got := r.consumerStatus(c.ID()); got != StatusDeleting {
			t.Errorf("is %s", got)
		}
		r.pass(1)
		again, err := r.RegisterConsumer(t.Context(), named("s"), "c", nil)
		if err != nil || again.ARN() == c.ARN() {
			t.Fatalf("%+v, %v", again, err)
		}
		r.pass(time.Second)
		if err := r.DeregisterConsumer(t.Context(), again.ID()); err != nil {
			t.Fatal(err)
		}
		if got := r.consumerStatus(c.ID()); got != "gone" {
			t.Errorf("is %s", got)
		}
		r.stop()
	})
}

func TestConsumerLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Second})
		r.make("s", 1)
		r.make("t", 1)
		limit := func(want ConsumerLimitError) {
			t.Helper()
			_, err := r.RegisterConsumer(t.Context(), named("s"), "more", nil)
			if got, ok := errors.AsType[*ConsumerLimitError](err); !ok || *got != want {
				t.Errorf("%v, want %v", err, &want)
			}
		}
		for i := range 20 {
			if i > 0 && i%5 == 0 {
				limit(ConsumerLimitError{named("s"), true, 5})
				r.pass(time.Second)
			}
			if _, err := r.RegisterConsumer(t.Context(), named("s"), fmt.Sprintf("c%02d", i), nil); err != nil {
				t.Fatal(err)
			}
		}
		limit(ConsumerLimitError{named("s"), false, 20})
		r.register("t", "c") // of another stream

		all, token := []Consumer(nil), ""
		for pages := 1; ; pages++ {
			page, more, err := r.ListConsumers(t.Context(), named("s"), time.Time{}, token, 7)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page...)
			if token = more; token == "" {
				if pages != 3 {
					t.Errorf("%d pages", pages)
				}
				break
			}
		}
		if len(all) != 20 || all[0].Name != "c00" || all[19].Name != "c19" || r.CountConsumers(named("s")) != 20 {
			t.Errorf("%v", all)
		}
		r.stop()
	})
}

func TestConsumerPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		ctx := t.Context()
		st := r.make("s", 1)
		r.make("t", 1)
		for _, name := range []string{"a", "b"} {
			r.register("s", name)
		}
		_, token, err := r.ListConsumers(ctx, st.Name, st.Created, "", 1)
		if err != nil || token == "" {
			t.Fatal(err)
		}
		if _, _, err := r.ListConsumers(ctx, named("t"), time.Time{}, token, 1); !errors.Is(err, ErrPageToken) {
			t.Errorf("token of another stream: %v", err)
		}
		if _, _, err := r.ListConsumers(ctx, st.Name, time.Time{}, "x", 1); !errors.Is(err, ErrPageToken) {
			t.Errorf("no token: %v", err)
		}
		if _, _, err := r.ListConsumers(ctx, st.Name, st.Created.Add(time.Second), "", 1); !errors.As(err, new(*NotFoundError)) {
			t.Errorf("another incarnation: %v", err)
		}
		r.pass(PageTokenLife)
		if page, _, err := r.ListConsumers(ctx, st.Name, time.Time{}, token, 1); err != nil || page[0].Name != "b" {
			t.Errorf("%v, %v", page, err)
		}
		r.pass(time.Millisecond)
		if _, _, err := r.ListConsumers(ctx, st.Name, time.Time{}, token, 1); !errors.Is(err, ErrExpiredPageToken) {
			t.Errorf("an old token: %v", err)
		}
		r.stop()
	})
}

func TestConsumersGoWithTheirStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: 10 * time.Second})
		ctx, name := t.Context(), named("s")
		create := func() {
			if err := r.Create(ctx, name, CreateOptions{ShardCount: 1}); err != nil {
				t.Fatal(err)
			}
			r.pass(10 * time.Second)
		}
		create()
		c := r.register("s", "c")
		if err := r.Delete(ctx, name); !errors.As(err, new(*HasConsumersError)) {
			t.Errorf("deleted with a consumer: %v", err)
		}
		r.expect("s", StatusActive)
		if err := r.DeleteWithConsumers(ctx, name); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusDeleting)
		if got := r.consumerStatus(c.ID()); got != StatusDeleting {
			t.Errorf("consumer of a stream that goes is %s", got)
		}
		if _, err := r.RegisterConsumer(ctx, name, "d", nil); !errors.As(err, new(*StateError)) {
			t.Errorf("registered with a stream that goes: %v", err)
		}
		r.pass(10 * time.Second)
		r.expect("s", "gone")
		create()
		if got := r.consumerStatus(c.ID()); got != "gone" || r.CountConsumers(name) != 0 {
			t.Errorf("consumer of the earlier stream is %s", got)
		}
		r.restart()
		if got := r.CountConsumers(name); got != 0 {
			t.Errorf("%d consumers after a restart", got)
		}
		// One that is going holds nothing up.
		d := r.register("s", "d")
		if err := r.DeregisterConsumer(ctx, d.ID()); err != nil {
			t.Fatal(err)
		}
		if err := r.Delete(ctx, name); err != nil {
			t.Error(err)
		}
		r.stop()
	})
}

func TestConsumerARN(t *testing.T) {
	id := ConsumerID{Name{testAccount, "cn-north-1", "a.b"}, "c-d_1", 1700000000}
	const text = "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/a.b/consumer/c-d_1:1700000000"
	if id.String() != text {
		t.Errorf("%s", id)
	}
	if got, err := ParseConsumerARN(text); err != nil || got != id {
		t.Errorf("%+v, %v", got, err)
	}
	if got := (ConsumerID{id.Stream, "c", 0}).String(); got != "c" {
		t.Errorf("without a time: %s", got)
	}
	for _, bad := range []string{
		"", "c", named("s").ARN(), "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c",
		"arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:", "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:+1",
		"arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:0", "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:01",
		"arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1:2", "arn:aws:kinesis:eu-west-1:123456789012:stream//consumer/c:1",
		"arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/:1", "arn:aws:kinesis:eu-west-1:12345678901:stream/s/consumer/c:1",
		"arn:aws:kinesis::123456789012:stream/s/consumer/c:1", "arn:aws:sqs:eu-west-1:123456789012:stream/s/consumer/c:1",
		"arn:aws-cn:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1", "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:9223372036854775808",
	} {
		if id, err := ParseConsumerARN(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, id)
		}
	}
}

// FuzzConsumerARN looks for texts that are read as an id that is not written as they are.
func FuzzConsumerARN(f *testing.F) {
	f.Add("arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1700000000")
	f.Add("arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/a.b-c_d/consumer/a.b-c_d:1")
	f.Add("arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/consumer/c:1")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseConsumerARN(text)
		if err != nil {
			return
		}
		if id.String() != text || !validName(id.Name) || !validName(id.Stream.Name) || id.Created <= 0 {
			t.Errorf("%q is read as %+v", text, id)
		}
	})
}

// TestConsumersOfACommittedAccount has more of them, but on on-demand streams only.
func TestConsumersOfACommittedAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		ctx := t.Context()
		if _, err := r.Commit(ctx, testAccount, testRegion, true); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			options CreateOptions
			most    int
		}{"demand": {CreateOptions{}, MaxCommittedConsumers}, "provisioned": {CreateOptions{ShardCount: 1}, MaxConsumers}} {
			if err := r.Create(ctx, named(name), c.options); err != nil {
				t.Fatal(err)
			}
			r.await(name, StatusActive)
			for i := range c.most {
				r.register(name, fmt.Sprint("c", i))
				synctest.Wait()
			}
			_, err := r.RegisterConsumer(ctx, named(name), "more", nil)
			if limit, ok := errors.AsType[*ConsumerLimitError](err); !ok || limit.Limit != c.most || limit.Creating {
				t.Errorf("%s: %v", name, err)
			}
		}
		r.stop()
	})
}
