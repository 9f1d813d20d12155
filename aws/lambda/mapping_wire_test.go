package lambda_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/stream"
)

// TestMappingWire plays testdata/mappings/*.txt in the form of TestFunctionWire, in which UUIDs have names. There
// are the streams "orders", with the consumer "fan", and "returns", and the functions "charge" and "refund". Transitions take
// one second.
// Facts: 1.1.3.
func TestMappingWire(t *testing.T) {
	wiretest.Run(t, "testdata/mappings/*.txt", func(t *testing.T, s *wiretest.Story) {
		synctest.Test(t, func(t *testing.T) {
			h, stop := openMappings(t)
			defer stop()
			masks := wiretest.Masks{wiretest.NewMask("UUID-%d", uuids)}
			s.Play(t, wiretest.Sleep, func(request string) string { return masks.Hide(exchange(t, h, masks.Show(request))) })
		})
	})
}

var uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// noDestination takes no documents; "forbidden" is a queue that the role may not send to.
type noDestination struct{}

func (noDestination) Check(context.Context, string) error                { return nil }
func (noDestination) Send(context.Context, string, mapping.Notice) error { return nil }

// consumers are the streams' consumers as mappings see them.
type consumers struct{ *stream.Service }

func (c consumers) Subscribe(ctx context.Context, id stream.ConsumerID, shard uint32, start stream.Start) (mapping.Subscription, error) {
	sub, err := c.Service.Subscribe(ctx, id, shard, start)
	if err != nil {
		return nil, err
	}
	return sub, nil
}

// openMappings opens a house of streams, functions and mappings, half a minute after a minute has begun.
func openMappings(t *testing.T) (h http.Handler, stop func()) {
	t.Helper()
	h, _, stop = openStreams(t)
	return h, stop
}

// openStreams also returns the streams' room, to put records.
func openStreams(t *testing.T) (h http.Handler, streams *stream.Service, stop func()) {
	t.Helper()
	engine := disktest.Memory(t)
	clock, log := clockwork.NewRealClock(), slog.New(slog.DiscardHandler)
	streams, err := stream.New(stream.Config{Store: engine, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	functions, err := function.New(function.Config{
		Store: engine, Clock: clock, Log: log, Executor: executor{}, CodeDir: filepath.Join(t.TempDir(), "code"), TransitionDelay: 7 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	mappings, err := mapping.New(mapping.Config{
		Store: engine, Clock: clock, Source: streams, Consumers: consumers{streams}, Invoker: functions, Destination: noDestination{}, TransitionDelay: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{streams.Run, functions.Run, mappings.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	for _, name := range []string{"orders", "returns"} {
		if err := streams.Create(ctx, stream.Name{Account: "123456789012", Region: "eu-west-1", Name: name}, stream.CreateOptions{ShardCount: 1}); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
	if _, err := streams.RegisterConsumer(ctx, stream.Name{Account: "123456789012", Region: "eu-west-1", Name: "orders"}, "fan", nil); err != nil {
		t.Fatal(err)
	}
	handler := protocol.NewHandler(protocol.Config{Log: log, Account: "123456789012", Region: "eu-west-1"},
		lambda.New(functions, mappings, clock).Service())
	for _, name := range []string{"charge", "refund"} {
		create(t, handler, name)
	}
	<-clock.After(30*time.Second + 351*time.Millisecond)
	return handler, streams, func() {
		cancel()
		running.Wait()
	}
}
