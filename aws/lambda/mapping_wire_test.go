package lambda_test

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/stream"
)

var rewriteMappings = flag.Bool("rewrite-mappings", false, "write the answers into testdata/mappings instead of comparing; read the difference before keeping it")

// TestMappingWire plays testdata/mappings/*.txt in the form of TestFunctionWire, with UUIDs named in the order of their
// first appearance. There are the streams "orders", with the consumer "fan", and "returns", and the functions "charge" and
// "refund". Transitions
// take one second.
// Facts: 1.1.3.
func TestMappingWire(t *testing.T) {
	files, err := filepath.Glob("testdata/mappings/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { playMappings(t, archive) })
			if *rewriteMappings {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var uuids = regexp.MustCompile(`()([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})`)

func playMappings(t *testing.T, archive *txtar.Archive) {
	h, stop := openMappings(t)
	defer stop()
	var known []string
	for i := 0; i+1 < len(archive.Files); i += 2 {
		request, answer := archive.Files[i], &archive.Files[i+1]
		if answer.Name != "answer" || !mark.MatchString(request.Name) {
			t.Fatalf("section %q wants a mark and an answer", request.Name)
		}
		if found := after.FindStringSubmatch(request.Name); found != nil {
			d, err := time.ParseDuration(found[1])
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(d)
			synctest.Wait()
		}
		text := string(request.Data)
		for i, uuid := range known {
			text = strings.ReplaceAll(text, "UUID-"+string(rune('1'+i)), uuid)
		}
		got := hide(exchange(t, h, text), uuids, &known, "UUID")
		if *rewriteMappings {
			answer.Data = []byte(got)
		} else if got != string(answer.Data) {
			t.Errorf("%s\n--- got\n%s--- want\n%s", request.Name, got, answer.Data)
		}
	}
}

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
	engine, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	clock, log := clockwork.NewRealClock(), slog.New(slog.DiscardHandler)
	streams, err = stream.New(stream.Config{Store: engine, Clock: clock})
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
		code := masks{}
		exchange(t, handler, code.show(t, "POST /2015-03-31/functions\n\n"+
			`{"FunctionName":"`+name+`","Runtime":"python3.12","Handler":"main.echo","Role":"arn:aws:iam::123456789012:role/r","Code":{"ZipFile":"ZIP(one)"}}`))
	}
	<-clock.After(30*time.Second + 351*time.Millisecond)
	return handler, streams, func() {
		cancel()
		running.Wait()
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}
}
