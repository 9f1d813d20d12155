package mapping

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/stream"
)

// fakePolled is a fakeSource as it is polled.
type fakePolled struct{ *fakeSource }

func (f *fakeSource) polled() Source { return fakePolled{f} }

func (f *fakeSource) throttle(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.throttled = n
}

func (f fakePolled) Read(ctx context.Context, key stream.ShardKey, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	f.mu.Lock()
	f.polls++
	refused := f.throttled > 0
	f.throttled = max(0, f.throttled-1)
	f.mu.Unlock()
	if refused {
		return stream.Batch{}, &stream.ReadRateError{Shard: key.Index}
	}
	return f.fakeSource.Read(ctx, key, after, maxRecords, maxBytes)
}

// limited are the streams of the parts as they are polled, within the limits of their shards.
type limited struct{ *stream.Service }

func (l limited) Read(ctx context.Context, key stream.ShardKey, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	return l.ReadLimited(ctx, key, after, maxRecords, maxBytes)
}

// TestPollersShareTheLimits has two mappings poll a shard that gives out 2 MiB and 5 answers a second, while somebody else
// reads it with an iterator as often as it may be. All get everything, and none by more than the limit.
// Facts: 2.1.2.
func TestPollersShareTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const records, size, readers = 400, 100 << 10, 3
		p := &parts{limits: true, invoke: func(function.Invocation) {}}
		newParts(t, nil, p)
		defer p.stop()
		p.stream(t, 1)
		for i := range records { // at the pace at which the shard takes them
			p.put(t, stream.Entry{PartitionKey: fmt.Sprint(i), Data: make([]byte, size)})
			<-p.mappings.config.Clock.After(100 * time.Millisecond)
		}
		begun := p.mappings.config.Clock.Now()
		uuids := []string{p.mapping(t, Defaults())}
		s := Defaults()
		second, err := p.mappings.Create(context.Background(), CreateInput{
			Account: testAccount, Region: testRegion, Source: streamName("orders"), Function: functionRef("other"),
			Start: stream.Start{Type: stream.TrimHorizon}, Settings: s,
		})
		if err != nil {
			t.Fatal(err)
		}
		uuids = append(uuids, second.UUID)
		refused := p.readAll(t, records)
		for _, uuid := range uuids {
			p.await(t, uuid, records)
		}
		took := p.mappings.config.Clock.Since(begun)
		if least := time.Duration(readers*records*size/(2<<20)-2) * time.Second; took < least {
			t.Errorf("%d readers of %d bytes took %s, and should have taken %s at least", readers, records*size, took, least)
		}
		if refused == 0 {
			t.Error("the other reader was never refused anything")
		}
	})
}

// readAll reads a shard with an iterator, and returns how often it was refused.
func (p *parts) readAll(t *testing.T, records int) (refused int) {
	t.Helper()
	ctx := context.Background()
	it, err := p.Service.NewIterator(ctx, streamName("orders"), 0, stream.Start{Type: stream.TrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	for records > 0 {
		page, err := p.Service.GetRecords(ctx, testAccount, testRegion, it, 10)
		var often *stream.ReadRateError
		if errors.As(err, &often) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		} else {
			it, records = page.Iterator, records-len(page.Records)
		}
		<-p.mappings.config.Clock.After(50 * time.Millisecond)
	}
	return refused
}
