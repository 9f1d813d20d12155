package mapping

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/stream"
)

// TestShardsTrimmedWhileTheyWait lets retention end the records of a closed shard, and then the shard, while a mapping
// retries them, and while another is disabled. Neither hears of what is gone, and both go on with what is kept: the
// children of the shard.
// Facts: 5.7.2.
func TestShardsTrimmedWhileTheyWait(t *testing.T) {
	for _, kind := range []string{"stream", "consumer"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var failing atomic.Bool
				seen := &arrivals{}
				note := seen.note(t)
				p := &parts{answer: func(in function.Invocation) function.Result {
					if failing.Load() {
						return function.Result{FunctionError: "Unhandled"}
					}
					note(in)
					return function.Result{}
				}}
				newParts(t, nil, p)
				defer p.stop()
				p.stream(t, 1)
				uuids := map[string]string{}
				for _, f := range []string{"retrying", "disabled"} {
					m, err := p.mappings.Create(context.Background(), CreateInput{
						Account: testAccount, Region: testRegion, Source: streamName("orders"), Function: functionRef(f),
						Consumer: p.consumer(t, kind == "consumer", f), Start: stream.Start{Type: stream.TrimHorizon}, Settings: Defaults(),
					})
					if err != nil {
						t.Fatal(err)
					}
					uuids[f] = m.UUID
				}
				put := func(data string) { p.put(t, stream.Entry{PartitionKey: "k", Data: []byte(data)}) }
				put("a")
				p.pass(10 * time.Second)
				p.update(t, uuids["disabled"], Change{Enabled: new(false)})
				failing.Store(true)
				put("lost")
				p.pass(time.Minute)
				half := stream.Hash{0x80}
				if err := p.SplitShard(context.Background(), streamName("orders"), 0, half); err != nil {
					t.Fatal(err)
				}
				p.pass(20 * time.Hour)
				put("kept")
				p.pass(5 * time.Hour) // "lost" is older than a day, and its shard is gone
				failing.Store(false)
				p.update(t, uuids["disabled"], Change{Enabled: new(true)})
				p.pass(time.Minute)
				for f := range uuids {
					if got := seen.of(f); got != "a kept" {
						t.Errorf("%s: %s", f, got)
					}
				}
				st, err := p.Describe(context.Background(), streamName("orders"))
				if err != nil {
					t.Fatal(err)
				}
				if _, listed := st.Shard(0); listed {
					t.Error("the parent is still listed, so that nothing was shown")
				}
			})
		})
	}
}

// TestTrimmedData lets a mapping come back to a position that is no longer kept: it goes on with the oldest record.
// Facts: 5.7.1, 10.10.
func TestTrimmedData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, seen := &parts{}, &arrivals{}
		p.invoke = seen.note(t)
		newParts(t, nil, p)
		defer p.stop()
		p.stream(t, 1)
		uuid := p.mapping(t, Defaults())
		put := func(data string) { p.put(t, stream.Entry{PartitionKey: "k", Data: []byte(data)}) }
		put("a")
		p.pass(time.Second)
		p.update(t, uuid, Change{Enabled: new(false)})
		put("lost")
		p.pass(12 * time.Hour)
		put("b")
		p.pass(12*time.Hour + time.Minute)
		p.update(t, uuid, Change{Enabled: new(true)})
		p.pass(time.Second)
		put("c")
		p.pass(time.Second)
		if got := seen.of("charge"); got != "a b c" || p.result(t, uuid) != resultOK {
			t.Error(got, p.result(t, uuid))
		}
	})
}
