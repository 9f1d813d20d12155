package mapping

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/stream"
)

// drains is a function that checks what it is handed: the records of a key in order, each once, and a shard's only when
// all that was put to its parents has been delivered.
type drains struct {
	t      *testing.T
	p      *parts
	packed bool // each entry is an aggregated record of three

	mu        sync.Mutex
	sent      map[uint32]int // records put to a shard that are to be delivered
	delivered map[uint32]int
	last      map[string]int // by key, what came last
}

func (d *drains) invoke(in function.Invocation) {
	call, err := readEvent(in)
	if err != nil {
		d.t.Error(err)
		return
	}
	shard := uint32(call.Shard)
	st, err := d.p.Service.Describe(context.Background(), streamName("orders"))
	if err != nil {
		d.t.Error(err)
		return
	}
	sh, _ := st.Shard(shard)
	d.mu.Lock()
	for _, parent := range []int64{sh.Parent, sh.AdjacentParent} {
		if parent != stream.NoParent && d.delivered[uint32(parent)] != d.sent[uint32(parent)] {
			d.t.Errorf("shard %d begins when %d of %d records of its parent %d are delivered", shard, d.delivered[uint32(parent)], d.sent[uint32(parent)], parent)
		}
	}
	for i, key := range call.Keys {
		n, _ := strconv.Atoi(call.Labels[i])
		if n <= d.last[key] {
			d.t.Errorf("record %d of %s after %d", n, key, d.last[key])
		}
		d.last[key] = n
	}
	d.mu.Unlock()
	<-d.p.mappings.config.Clock.After(20 * time.Millisecond) // so that parents are behind when their children fill
	d.mu.Lock()
	d.delivered[shard] += len(call.Keys)
	d.mu.Unlock()
}

// put stores records under some keys, numbered from n on.
func (d *drains) put(rng *rand.Rand, n, count int, counted bool) {
	d.t.Helper()
	list := make([]stream.Entry, count)
	for i := range list {
		list[i] = stream.Entry{PartitionKey: fmt.Sprint("key", rng.IntN(40)), Data: fmt.Append(nil, n+i)}
		if d.packed {
			list[i].Data = pack(list[i].PartitionKey, 3*(n+i), 3)
		}
	}
	puts, err := d.p.Service.Put(context.Background(), streamName("orders"), list)
	if err != nil {
		d.t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, put := range puts {
		if put.Err != nil {
			d.t.Fatal(put.Err)
		}
		if counted {
			d.sent[put.Shard]++
			if d.packed {
				d.sent[put.Shard] += 2
			}
		}
	}
}

// await lets time pass until so many records are delivered.
func (d *drains) await(total int) {
	d.t.Helper()
	for range 10_000 {
		d.mu.Lock()
		n := 0
		for _, count := range d.delivered {
			n += count
		}
		d.mu.Unlock()
		if n >= total {
			return
		}
		<-d.p.mappings.config.Clock.After(10 * time.Millisecond)
	}
	d.t.Fatal("records are not delivered")
}

// pack makes an aggregated record of records of one key, numbered from n on.
func pack(key string, n, count int) []byte {
	users := make([]stream.Record, count)
	for i := range users {
		users[i] = stream.Record{PartitionKey: key, Hash: stream.HashOf(key), Data: fmt.Append(nil, n+i)}
	}
	return aggregated(users...)
}

// reshard changes the shards in some way; a request that comes while they change, or makes no sense, is refused.
func (p *parts) reshard(t *testing.T, rng *rand.Rand) {
	t.Helper()
	ctx, name := context.Background(), streamName("orders")
	st, err := p.Service.Describe(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	index := st.Shards[len(st.Shards)-1-rng.IntN(min(len(st.Shards), 3))].Index
	sh, _ := st.Shard(index)
	switch open := st.OpenShards(); {
	case open >= 6 || rng.IntN(3) == 0:
		_, err = p.Service.UpdateShardCount(ctx, name, (open+1)/2)
	case rng.IntN(2) == 0:
		_, err = p.Service.UpdateShardCount(ctx, name, open+1)
	default:
		at := sh.Range.Start
		at[0]++ // a narrow child and a wide one
		err = p.Service.SplitShard(ctx, name, index, at)
	}
	if err != nil && !errors.As(err, new(*stream.StateError)) && !errors.As(err, new(*stream.ClosedShardError)) &&
		!errors.As(err, new(*stream.SplitRangeError)) && !errors.As(err, new(*stream.RequestLimitError)) {
		t.Fatal(err)
	}
}

// TestParentsAreDrainedBeforeChildren splits and merges the shards of a real stream while a mapping reads it, or its
// consumer, which it is handed the user records of. Now and then the program is started anew.
// Facts: 2.4.1.
func TestParentsAreDrainedBeforeChildren(t *testing.T) {
	for i, start := range []stream.StartType{stream.TrimHorizon, stream.Latest, stream.TrimHorizon, stream.Latest} {
		for _, factor := range []int{1, 4} {
			fan := i >= 2
			t.Run(fmt.Sprintf("%s,factor=%d,consumer=%t", start, factor, fan), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &parts{}
					d := &drains{t: t, p: p, packed: fan, sent: map[uint32]int{}, delivered: map[uint32]int{}, last: map[string]int{}}
					p.invoke = d.invoke
					newParts(t, nil, p)
					p.stream(t, 2)
					rng := rand.New(rand.NewPCG(uint64(factor), 1))
					early := start == stream.TrimHorizon
					n := 1
					d.put(rng, n, 300, early)
					n += 300
					p.reshard(t, rng)
					<-p.mappings.config.Clock.After(3 * time.Second)
					d.put(rng, n, 100, early)
					n += 100
					s := Defaults()
					s.BatchSize, s.ParallelizationFactor = 10, factor
					_, err := p.mappings.Create(context.Background(), CreateInput{
						Account: testAccount, Region: testRegion, Source: streamName("orders"), Function: functionRef("charge"),
						Start: stream.Start{Type: start}, Settings: s, Consumer: p.consumer(t, fan),
					})
					if err != nil {
						t.Fatal(err)
					}
					for round := range 60 {
						d.put(rng, n, 20, true)
						n += 20
						if round%3 == 0 {
							p.reshard(t, rng)
						}
						if round%20 == 10 {
							p.restart()
						}
						<-p.mappings.config.Clock.After(time.Duration(rng.IntN(1500)) * time.Millisecond)
					}
					total := 0
					for _, count := range d.sent {
						total += count
					}
					d.await(total)
					<-p.mappings.config.Clock.After(time.Minute)
					d.mu.Lock()
					defer d.mu.Unlock()
					for shard, count := range d.sent {
						if d.delivered[shard] != count {
							t.Errorf("shard %d: %d of %d", shard, d.delivered[shard], count)
						}
					}
					if len(d.sent) < 10 {
						t.Errorf("only %d shards had records", len(d.sent))
					}
					p.stop()
				})
			})
		}
	}
}
