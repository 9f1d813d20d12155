package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/store"
)

// subscribe begins a subscription and fails the test if that fails.
func (r *rig) subscribe(c Consumer, shard uint32, start Start) *Subscription {
	r.t.Helper()
	sub, err := r.Subscribe(r.t.Context(), c.ID(), shard, start)
	if err != nil {
		r.t.Fatal(err)
	}
	return sub
}

// next returns the next event and how long it took to come.
func (r *rig) next(sub *Subscription) (Event, time.Duration) {
	r.t.Helper()
	start := r.clock.Now()
	e, err := sub.Next(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return e, r.clock.Since(start)
}

// withConsumer runs a test in virtual time over a stream with a consumer.
func withConsumer(t *testing.T, f func(t *testing.T, r *rig, st Stream, c Consumer)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		st := r.make("s", 2)
		f(t, r, st, r.register("s", "c"))
		r.stop()
	})
}

func TestSubscriptionIsPushedTo(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, st Stream, c Consumer) {
		old := r.put("s", "a", "old") // on shard 0, as all with this key
		if old.Shard != 0 {
			t.Fatal(old.Shard)
		}
		sub := r.subscribe(c, 0, Start{Type: Latest})
		defer sub.Close()
		go func() {
			<-r.clock.After(1234 * time.Millisecond)
			r.put("s", "a", "new")
		}()
		e, took := r.next(sub)
		if got := texts(e.Records); !slices.Equal(got, []string{"new"}) || took != 1234*time.Millisecond || e.MillisBehind != 0 || e.End {
			t.Errorf("%v after %s: %+v", got, took, e)
		}
		last := st.Shards[0].SequenceNumber(e.Records[0].Position, e.Records[0].Arrival)
		if e.Continuation.Compare(last) <= 0 {
			t.Errorf("continuation %s does not pass %s", e.Continuation, last)
		}
		// Nothing new: an event after five seconds each time, whose number moves on.
		for range 3 {
			idle, took := r.next(sub)
			if len(idle.Records) != 0 || took != SubscriptionIdle || idle.Continuation.Compare(e.Continuation) <= 0 {
				t.Errorf("after %s: %+v", took, idle)
			}
			e = idle
		}
		// What is put into another shard is none of its business.
		if p := r.put("s", "b", "elsewhere"); p.Shard != 1 {
			t.Fatal(p.Shard)
		}
		if idle, took := r.next(sub); len(idle.Records) != 0 || took != SubscriptionIdle {
			t.Errorf("after %s: %v", took, texts(idle.Records))
		}
	})
}

// TestContinuation goes on from each event with a new subscription, at and after its number, and never sees a record
// twice or misses one: also where an event ended in the middle of a block, and where the log was opened anew.
func TestContinuation(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, st Stream, c Consumer) {
		var want []string
		for i := range 12 {
			want = append(want, fmt.Sprint(i))
			r.put("s", "a", want[i])
		}
		// A block of many records, of which two fit into an event.
		var many []Entry
		for i := range 9 {
			data := fmt.Sprintf("%d %s", i, strings.Repeat("x", MaxEventBytes/5*2))
			want = append(want, data)
			many = append(many, Entry{Data: []byte(data), PartitionKey: "a"})
		}
		if _, err := r.Put(t.Context(), st.Name, many); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []StartType{AtSequenceNumber, AfterSequenceNumber} {
			var got []string
			events := 0
			for start := (Start{Type: TrimHorizon}); len(got) < len(want); events++ {
				sub := r.subscribe(c, 0, start)
				e, _ := r.next(sub)
				sub.Close()
				if len(e.Records) == 0 {
					t.Fatalf("%s: nothing after %d of %d records", kind, len(got), len(want))
				}
				if e.MillisBehind == 0 != (len(got)+len(e.Records) == len(want)) {
					t.Errorf("%d ms behind after %d records", e.MillisBehind, len(got))
				}
				got = append(got, texts(e.Records)...)
				start = Start{Type: kind, SequenceNumber: e.Continuation}
				r.pass(SubscriptionRest)
				if events == 2 {
					r.restart()
				}
			}
			if !slices.Equal(got, want) || events < 5 {
				t.Errorf("%s: %d events, %d records, want %d", kind, events, len(got), len(want))
			}
		}
		// One that began at the tip has a number that does not bring the record before it back.
		for _, kind := range []StartType{AtSequenceNumber, AfterSequenceNumber} {
			r.restart()
			r.put("s", "a", "before")
			sub := r.subscribe(c, 0, Start{Type: Latest})
			e, _ := r.next(sub)
			sub.Close()
			sub = r.subscribe(c, 0, Start{Type: kind, SequenceNumber: e.Continuation})
			if e, _ := r.next(sub); len(e.Records) != 0 {
				t.Errorf("%s: %v again", kind, texts(e.Records))
			}
			r.put("s", "a", "after")
			if e, _ := r.next(sub); !slices.Equal(texts(e.Records), []string{"after"}) {
				t.Errorf("%s: %v", kind, texts(e.Records))
			}
			sub.Close()
			r.pass(SubscriptionRest)
		}
	})
}

// TestContinuationOfAnEmptyShard goes on where nothing was read yet.
func TestContinuationOfAnEmptyShard(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, st Stream, c Consumer) {
		for _, kind := range []StartType{TrimHorizon, Latest} {
			sub := r.subscribe(c, 0, Start{Type: kind})
			e, _ := r.next(sub)
			sub.Close()
			if e.Continuation.Compare(st.Shards[0].Start()) <= 0 {
				t.Errorf("%s: %s is not after the shard's start", kind, e.Continuation)
			}
			r.put("s", "a", string(kind))
			sub = r.subscribe(c, 0, Start{Type: AfterSequenceNumber, SequenceNumber: e.Continuation})
			if e, _ := r.next(sub); len(e.Records) == 0 || string(e.Records[len(e.Records)-1].Data) != string(kind) {
				t.Errorf("%s: %v", kind, texts(e.Records))
			}
			sub.Close()
			r.pass(SubscriptionRest)
		}
	})
}

func TestSubscriptionLife(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, _ Stream, c Consumer) {
		begun := r.clock.Now()
		sub := r.subscribe(c, 0, Start{Type: Latest})
		r.pass(time.Second)
		events := 0
		for {
			_, err := sub.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			events++
		}
		if life := r.clock.Since(begun); life != SubscriptionLife || events != 59 {
			t.Errorf("ended after %s and %d events", life, events)
		}
		if _, err := sub.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("after its end: %v", err)
		}
		// A reader who is always busy is ended too.
		sub.Close()
		sub = r.subscribe(c, 0, Start{Type: TrimHorizon})
		defer sub.Close()
		r.put("s", "a", "x")
		r.pass(SubscriptionLife)
		if e, err := sub.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("%v, %v", e, err)
		}
	})
}

// TestSubscriptionIsTakenOver has a second call come ever later.
func TestSubscriptionIsTakenOver(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, _ Stream, c Consumer) {
		first := r.subscribe(c, 0, Start{Type: Latest})
		defer first.Close()
		ended := make(chan error, 1)
		go func() {
			for {
				if _, err := first.Next(context.Background()); err != nil {
					ended <- err
					return
				}
			}
		}()
		other := r.subscribe(c, 1, Start{Type: Latest}) // another shard is another matter
		defer other.Close()
		for range 2 {
			r.pass(SubscriptionRest/2 - 1)
			if sub, err := r.Subscribe(t.Context(), c.ID(), 0, Start{Type: Latest}); !errors.As(err, new(*SubscribedError)) || sub == nil == (err == nil) {
				t.Errorf("a second call: %v", err)
			}
		}
		r.pass(2)
		second := r.subscribe(c, 0, Start{Type: Latest})
		err, ok := errors.AsType[*SubscribedError](<-ended)
		if !ok || err.Shard != 0 || err.Consumer.ARN() != c.ARN() {
			t.Errorf("the first ended with %v", err)
		}
		// That the first leaves does not open the second's seat.
		first.Close()
		if _, err := r.Subscribe(t.Context(), c.ID(), 0, Start{Type: Latest}); !errors.As(err, new(*SubscribedError)) {
			t.Errorf("a third call: %v", err)
		}
		// Nor does it help that the second has left already.
		second.Close()
		if _, err := r.Subscribe(t.Context(), c.ID(), 0, Start{Type: Latest}); !errors.As(err, new(*SubscribedError)) {
			t.Errorf("a fourth call: %v", err)
		}
		r.pass(SubscriptionRest)
		r.subscribe(c, 0, Start{Type: Latest}).Close()
	})
}

func TestSubscribeRate(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, _ Stream, c Consumer) {
		call := func(shard uint32) error {
			_, err := r.Subscribe(t.Context(), c.ID(), shard, Start{Type: Latest})
			return err
		}
		if err := r.CheckSubscribe(t.Context(), c.ID(), 0, Start{Type: Latest}); err != nil {
			t.Fatal(err)
		}
		if err := call(0); err != nil { // the check has taken nothing
			t.Fatal(err)
		}
		if err := r.CheckSubscribe(t.Context(), c.ID(), 0, Start{Type: Latest}); !errors.As(err, new(*SubscribedError)) {
			t.Errorf("check of a shard that is taken: %v", err)
		}
		r.pass(500 * time.Millisecond)
		for range 2 {
			if err := call(0); !errors.As(err, new(*SubscribedError)) {
				t.Error(err)
			}
		}
		if err := call(0); !errors.As(err, new(*SubscribeRateError)) {
			t.Errorf("sixth call: %v", err)
		}
		if err := call(1); err != nil {
			t.Errorf("another shard: %v", err)
		}
		r.pass(500*time.Millisecond - 1)
		if err := call(0); !errors.As(err, new(*SubscribeRateError)) {
			t.Errorf("just before the second is over: %v", err)
		}
		r.pass(1)
		for range 3 {
			if err := call(0); !errors.As(err, new(*SubscribedError)) {
				t.Error(err)
			}
		}
		if err := call(0); !errors.As(err, new(*SubscribeRateError)) {
			t.Errorf("three more: %v", err)
		}
	})
}

func TestSubscribeRefusals(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, st Stream, c Consumer) {
		ctx := t.Context()
		later := c.ID()
		later.Created++
		if _, err := r.Subscribe(ctx, later, 0, Start{Type: Latest}); !errors.As(err, new(*ConsumerNotFoundError)) {
			t.Error(err)
		}
		if _, err := r.Subscribe(ctx, c.ID(), 2, Start{Type: Latest}); !errors.As(err, new(*ShardNotFoundError)) {
			t.Error(err)
		}
		if _, err := r.Subscribe(ctx, c.ID(), 0, Start{Type: "x"}); !errors.Is(err, ErrStart) {
			t.Error(err)
		}
		if _, err := r.Subscribe(ctx, c.ID(), 0, Start{Type: AfterSequenceNumber, SequenceNumber: st.Shards[1].Start()}); !errors.As(err, new(*OtherShardError)) {
			t.Error(err)
		}
		if _, err := r.Subscribe(ctx, c.ID(), 0, Start{Type: AtTimestamp, Timestamp: r.clock.Now().Add(1)}); !errors.As(err, new(*FutureTimestampError)) {
			t.Error(err)
		}
		r.delay = time.Second
		d, err := r.RegisterConsumer(ctx, st.Name, "d", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Subscribe(ctx, d.ID(), 0, Start{Type: Latest}); !errors.As(err, new(*ConsumerNotActiveError)) {
			t.Error(err)
		}
	})
}

// TestSubscriptionEnds ends subscriptions that wait, in every way there is.
func TestSubscriptionEnds(t *testing.T) {
	for name, end := range map[string]struct {
		act  func(r *rig, c Consumer) error
		want any // a pointer to what errors.As shall find; nil for io.EOF
	}{
		"consumer deregistered": {func(r *rig, c Consumer) error { return r.DeregisterConsumer(r.t.Context(), c.ID()) }, new(*ConsumerNotFoundError)},
		"stream deleted":        {func(r *rig, c Consumer) error { return r.DeleteWithConsumers(r.t.Context(), c.Stream) }, new(*NotFoundError)},
		"house closes":          {func(r *rig, _ Consumer) error { r.EndSubscriptions(); return nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			withConsumer(t, func(t *testing.T, r *rig, _ Stream, c Consumer) {
				r.delay = time.Second
				sub := r.subscribe(c, 0, Start{Type: Latest})
				defer sub.Close()
				ended := make(chan error, 2)
				go func() {
					_, err := sub.Next(context.Background())
					ended <- err
				}()
				other := r.subscribe(c, 1, Start{Type: Latest})
				defer other.Close()
				go func() {
					if err := other.Wait(context.Background(), MaxPosition); err != nil {
						t.Error(err)
					}
					_, err := other.Read(context.Background(), 0, 1, 1)
					ended <- err
				}()
				r.pass(time.Second)
				if err := end.act(r, c); err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // without any time passing
				for range 2 {
					if err := <-ended; end.want == nil && !errors.Is(err, io.EOF) || end.want != nil && !errors.As(err, end.want) {
						t.Errorf("ended with %v", err)
					}
				}
			})
		})
	}
}

func TestSubscriptionHeedsItsContext(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, _ Stream, c Consumer) {
		sub := r.subscribe(c, 0, Start{Type: Latest})
		defer sub.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := sub.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, took := r.next(sub); took != SubscriptionIdle { // and goes on afterwards
			t.Errorf("took %s", took)
		}
	})
}

func TestSubscriptionToTheEndOfAShard(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, st Stream, c Consumer) {
		r.put("s", "a", "last")
		r.close(st.Name, 0)
		sub := r.subscribe(c, 0, Start{Type: TrimHorizon})
		defer sub.Close()
		if e, took := r.next(sub); took != 0 || len(e.Records) != 1 || e.End || e.Children != nil || e.Continuation.IsZero() {
			t.Errorf("%+v after %s", e, took)
		}
		if e, took := r.next(sub); took != 0 || len(e.Records) != 0 || !e.End || len(e.Children) != 1 || e.Children[0].Index != 2 || !e.Continuation.IsZero() {
			t.Errorf("the end: %+v after %s", e, took)
		}
		if _, err := sub.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
		// At the end of a closed shard there is nothing but the end.
		r.pass(SubscriptionRest)
		at := r.subscribe(c, 0, Start{Type: Latest})
		defer at.Close()
		if e, took := r.next(at); took != 0 || !e.End || len(e.Children) != 1 {
			t.Errorf("%+v after %s", e, took)
		}
	})
}

// TestSeatsAreForgotten looks at what a subscription leaves behind.
func TestSeatsAreForgotten(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, _ Stream, c Consumer) {
		_, reg, err := r.consumer(c.ID())
		if err != nil {
			t.Fatal(err)
		}
		sub := r.subscribe(c, 0, Start{Type: Latest})
		r.pass(SubscriptionRest)
		sub.Close()
		sub.Close()
		if n := len(reg.seats.byKey); n != 0 {
			t.Errorf("%d seats", n)
		}
	})
}

// TestConsumerInDoubt fails the commit that would deregister a consumer, though it happened.
func TestConsumerInDoubt(t *testing.T) {
	withConsumer(t, func(t *testing.T, r *rig, _ Stream, c Consumer) {
		sub := r.subscribe(c, 0, Start{Type: Latest})
		defer sub.Close()
		r.roster.table.tables = doubtful{r.roster.table.tables}
		if err := r.DeregisterConsumer(t.Context(), c.ID()); !errors.Is(err, errDoubt) {
			t.Fatal(err)
		}
		if _, err := sub.Next(t.Context()); !errors.As(err, new(*ConsumerNotFoundError)) {
			t.Errorf("the subscription goes on: %v", err)
		}
		r.pass(time.Second)
		if got := r.consumerStatus(c.ID()); got != "gone" {
			t.Errorf("is %s", got)
		}
	})
}

var errDoubt = errors.New("it may have happened")

// doubtful commits, and says that it does not know.
type doubtful struct{ store.Tables }

func (d doubtful) Commit(ctx context.Context, writes ...store.Write) error {
	if err := d.Tables.Commit(ctx, writes...); err != nil {
		return err
	}
	return errDoubt
}
