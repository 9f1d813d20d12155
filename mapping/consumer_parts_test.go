package mapping

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/stream"
)

// arrivals remembers what a function was handed, by its name.
type arrivals struct {
	mu   sync.Mutex
	seen map[string][]string
}

func (a *arrivals) note(t *testing.T) func(in function.Invocation) {
	a.seen = map[string][]string{}
	return func(in function.Invocation) {
		call, err := readEvent(in)
		if err != nil {
			t.Error(err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.seen[in.Name.Name] = append(a.seen[in.Name.Name], call.Labels...)
	}
}

func (a *arrivals) of(function string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.seen[function], " ")
}

// withConsumer runs a test on a stream of the real room with the consumer "fan", which is ACTIVE.
func withConsumer(t *testing.T, test func(t *testing.T, p *parts, seen *arrivals, id stream.ConsumerID)) {
	synctest.Test(t, func(t *testing.T) {
		p, seen := &parts{}, &arrivals{}
		p.invoke = seen.note(t)
		newParts(t, nil, p)
		defer p.stop()
		p.stream(t, 1)
		id := p.consumer(t, true)
		synctest.Wait()
		test(t, p, seen, id)
	})
}

// mapConsumer maps the consumer to a function.
func (p *parts) mapConsumer(t *testing.T, id stream.ConsumerID, function string) string {
	t.Helper()
	return p.mapFrom(t, id, functionRef(function), Defaults())
}

func (p *parts) mapFrom(t *testing.T, id stream.ConsumerID, to function.Ref, s Settings) string {
	t.Helper()
	m, err := p.mappings.Create(context.Background(), CreateInput{
		Account: testAccount, Region: testRegion, Source: id.Stream, Consumer: id, Function: to,
		Start: stream.Start{Type: stream.TrimHorizon}, Settings: s,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.UUID
}

// pass lets time pass.
func (p *parts) pass(d time.Duration) {
	<-p.mappings.config.Clock.After(d)
	synctest.Wait()
}

func (p *parts) result(t *testing.T, uuid string) string {
	t.Helper()
	m, err := p.mappings.Get(testAccount, testRegion, uuid)
	if err != nil {
		t.Fatal(err)
	}
	return m.LastProcessingResult
}

func (p *parts) update(t *testing.T, uuid string, c Change) {
	t.Helper()
	if _, err := p.mappings.Update(context.Background(), testAccount, testRegion, uuid, c); err != nil {
		t.Fatal(err)
	}
}

// TestMappingsFightForAConsumer has three mappings on one consumer. Each comes to read now and then, and none of them asks
// for subscriptions all the time.
// Facts: 2.2.2, 2.2.4.
func TestMappingsFightForAConsumer(t *testing.T) {
	withConsumer(t, func(t *testing.T, p *parts, seen *arrivals, id stream.ConsumerID) {
		functions := []string{"one", "two", "three"}
		for _, f := range functions {
			p.mapConsumer(t, id, f)
		}
		var want []string
		for i := range 20 {
			p.put(t, stream.Entry{PartitionKey: "k", Data: []byte(strconv.Itoa(i))})
			want = append(want, strconv.Itoa(i))
			p.pass(3 * time.Second)
		}
		p.pass(20 * time.Second)
		for _, f := range functions {
			if got := seen.of(f); got != strings.Join(want, " ") {
				t.Errorf("%s was handed %s", f, got)
			}
		}
		// In 80 seconds: at most one call a second of each of those who wait, and one take-over every five.
		if calls := p.subscribed.Load(); calls > 80*3 {
			t.Errorf("%d calls of SubscribeToShard", calls)
		}
	})
}

// TestConsumerIsRegisteredAgain: the mapping is to one registration, and not to whoever has the consumer's name.
func TestConsumerIsRegisteredAgain(t *testing.T) {
	withConsumer(t, func(t *testing.T, p *parts, seen *arrivals, id stream.ConsumerID) {
		uuid := p.mapConsumer(t, id, "charge")
		p.put(t, stream.Entry{PartitionKey: "k", Data: []byte("a")})
		p.pass(2 * time.Second)
		if err := p.DeregisterConsumer(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		p.pass(2 * time.Second)
		missing := fmt.Sprintf("PROBLEM: Consumer %s, account %s not found.", id, testAccount)
		if got := p.result(t, uuid); got != missing {
			t.Error(got)
		}
		again := p.consumer(t, true)
		p.put(t, stream.Entry{PartitionKey: "k", Data: []byte("b")})
		p.pass(time.Hour)
		if got := p.result(t, uuid); got != missing || seen.of("charge") != "a" {
			t.Error(got, seen.of("charge"))
		}
		p.mapConsumer(t, again, "other")
		p.pass(time.Second)
		if got := seen.of("other"); got != "a b" {
			t.Error(got)
		}
	})
}

// TestSubscriptionOfADisabledMapping: the stream lets nobody subscribe within five seconds after the last time. An update
// needs no subscription of its own; a mapping that gave its own back must wait for one.
// Facts: 2.2.2.
func TestSubscriptionOfADisabledMapping(t *testing.T) {
	withConsumer(t, func(t *testing.T, p *parts, seen *arrivals, id stream.ConsumerID) {
		uuid := p.mapConsumer(t, id, "charge")
		p.pass(time.Second)
		p.update(t, uuid, Change{BatchSize: new(1)})
		p.put(t, stream.Entry{PartitionKey: "k", Data: []byte("a")})
		p.pass(time.Millisecond)
		if got := seen.of("charge"); got != "a" {
			t.Error(got)
		}
		p.update(t, uuid, Change{Enabled: new(false)})
		p.pass(time.Millisecond)
		p.update(t, uuid, Change{Enabled: new(true)})
		p.put(t, stream.Entry{PartitionKey: "k", Data: []byte("b")})
		p.pass(stream.SubscriptionRest)
		if got := seen.of("charge"); got != "a b" || p.result(t, uuid) != resultOK {
			t.Error(got, p.result(t, uuid))
		}
	})
}

// TestSubscriptionsEndWithTheServer: when the streams stop, mappings are still there. They wait for their own stop.
func TestSubscriptionsEndWithTheServer(t *testing.T) {
	withConsumer(t, func(t *testing.T, p *parts, seen *arrivals, id stream.ConsumerID) {
		uuid := p.mapConsumer(t, id, "charge")
		p.put(t, stream.Entry{PartitionKey: "k", Data: []byte("a")})
		p.pass(10 * time.Second)
		before := p.subscribed.Load()
		p.EndSubscriptions()
		p.put(t, stream.Entry{PartitionKey: "k", Data: []byte("b")})
		p.pass(time.Minute)
		if calls := p.subscribed.Load() - before; calls > 8 {
			t.Errorf("%d calls of SubscribeToShard", calls)
		}
		if got := seen.of("charge"); got != "a" || p.result(t, uuid) != resultOK {
			t.Error(got, p.result(t, uuid))
		}
	})
}

// TestFactorChangesUnderLoad changes ParallelizationFactor from 1 to 10 and back while records are put, the function fails
// now and then, and the mapping is disabled and enabled: each record is delivered once, and those of a key in their order.
// Facts: 4.2, 4.6.
func TestFactorChangesUnderLoad(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			fan := seed%2 == 1
			rng := rand.New(rand.NewPCG(seed, 7))
			l := &load{t: t, rng: rand.New(rand.NewPCG(seed, 8)), last: map[string]int{}}
			p := &parts{answer: l.answer}
			newParts(t, nil, p)
			defer p.stop()
			p.stream(t, 2)
			l.clock = p.mappings.config.Clock
			m, err := p.mappings.Create(context.Background(), CreateInput{
				Account: testAccount, Region: testRegion, Source: streamName("orders"), Consumer: p.consumer(t, fan),
				Function: functionRef("charge"), Start: stream.Start{Type: stream.TrimHorizon}, Settings: Defaults(),
			})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for range 100 {
				var entries []stream.Entry
				for range 1 + rng.IntN(20) {
					key, count := fmt.Sprint("key", rng.IntN(30)), 1
					data := fmt.Append(nil, n+1)
					if fan && rng.IntN(2) == 0 {
						count = 1 + rng.IntN(8)
						data = pack(key, n+1, count)
					}
					entries, n = append(entries, stream.Entry{PartitionKey: key, Data: data}), n+count
				}
				p.put(t, entries...)
				if rng.IntN(3) == 0 {
					p.update(t, m.UUID, Change{
						ParallelizationFactor: new(1 + rng.IntN(10)), BatchSize: new(1 + rng.IntN(12)), Enabled: new(rng.IntN(6) > 0),
					})
				}
				<-l.clock.After(time.Duration(rng.IntN(60)) * time.Millisecond)
			}
			p.update(t, m.UUID, Change{Enabled: new(true)})
			p.await(t, m.UUID, n)
			p.pass(time.Minute)
			if l.delivered != n {
				t.Errorf("seed %d: %d of %d records were delivered", seed, l.delivered, n)
			}
		})
	}
}

// load is a function that takes its time, fails now and then, and must not be handed a record twice once it took it, nor
// out of the order of its key.
type load struct {
	t     *testing.T
	clock interface {
		After(d time.Duration) <-chan time.Time
	}

	mu        sync.Mutex
	rng       *rand.Rand
	last      map[string]int // by key: the last record taken
	delivered int
}

func (l *load) answer(in function.Invocation) function.Result {
	call, err := readEvent(in)
	if err != nil {
		l.t.Error(err)
	}
	l.mu.Lock()
	fails, slow := l.rng.IntN(8) == 0, time.Duration(l.rng.IntN(30))*time.Millisecond
	l.mu.Unlock()
	<-l.clock.After(slow)
	if fails {
		return function.Result{FunctionError: "Unhandled"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, key := range call.Keys {
		n, _ := strconv.Atoi(call.Labels[i])
		if n <= l.last[key] {
			l.t.Errorf("record %d of %s after %d", n, key, l.last[key])
		}
		l.last[key] = n
	}
	l.delivered += len(call.Keys)
	return function.Result{}
}
