package protocol_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/protocol"
)

// eventful is a door of which every subscription is the same stream.
type eventful struct {
	fakeKinesis
	stream protocol.EventStream
}

func (e eventful) SubscribeToShard(_ context.Context, in *kinesis.SubscribeToShardInput) (protocol.EventStream, error) {
	if in.ShardId == "taken" {
		return nil, &protocol.Error{Code: kinesis.ResourceInUseException, Message: "x"}
	}
	return e.stream, nil
}

// script is a stream of what the test hands it.
type script struct {
	lines  chan line
	closed chan error // gets one element, when the stream is closed: why the last Next failed
	err    error
	asked  atomic.Int32
}

type line struct {
	event protocol.Event
	err   error
}

func newScript() *script { return &script{lines: make(chan line), closed: make(chan error, 2)} }

func (s *script) Next(ctx context.Context) (protocol.Event, error) {
	s.asked.Add(1)
	select {
	case l := <-s.lines:
		s.err = l.err
		return l.event, l.err
	case <-ctx.Done():
		s.err = ctx.Err()
		return nil, s.err
	}
}

func (s *script) Close() { s.closed <- s.err }

func event(data string) *kinesis.SubscribeToShardEvent {
	return &kinesis.SubscribeToShardEvent{Records: []kinesis.Record{{Data: []byte(data), PartitionKey: "k", SequenceNumber: "1"}}, ContinuationSequenceNumber: new("2")}
}

const subscribeBody = `{"ConsumerARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1","ShardId":"shardId-0","StartingPosition":{"Type":"LATEST"}}`

// serving starts a server and returns a client for it, in each of the ways that clients speak.
func serving(t *testing.T, h http.Handler, way string) (client *http.Client, url string) {
	server := httptest.NewUnstartedServer(h)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server.Config.Protocols = protocols
	transport := &http.Transport{Protocols: new(http.Protocols)}
	switch way {
	case "HTTP/1.1":
		transport.Protocols.SetHTTP1(true)
		server.Start()
	case "HTTP/2.0 in clear text":
		transport.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
	case "HTTP/2.0 over TLS":
		protocols.SetHTTP2(true)
		server.EnableHTTP2 = true
		server.StartTLS()
		transport.Protocols.SetHTTP2(true)
		transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	}
	t.Cleanup(server.Close)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, server.URL
}

func send(t *testing.T, ctx context.Context, client *http.Client, url, operation, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	signed := call(operation, body)
	r.Header = signed.Header
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// receive reads one message and shows it.
func receive(t *testing.T, from io.Reader) string {
	t.Helper()
	m, err := eventstream.NewDecoder().Decode(from, nil)
	if err != nil {
		return err.Error()
	}
	kind := m.Headers.Get(":message-type").String()
	return fmt.Sprintf("%s %s %s %s", kind, m.Headers.Get(":"+kind+"-type"), m.Headers.Get(":content-type"), m.Payload)
}

const amzn = "application/x-amz-json-1.1"

// TestEvents has each message arrive before there is another one, and the connection be of use afterwards.
func TestEvents(t *testing.T) {
	for _, way := range []string{"HTTP/1.1", "HTTP/2.0 in clear text", "HTTP/2.0 over TLS"} {
		t.Run(way, func(t *testing.T) {
			stream := newScript()
			var observed atomic.Value
			h := protocol.NewHandler(protocol.Config{
				Log: slog.New(slog.DiscardHandler), Account: "000000000000", Region: "us-east-1",
				Observe: func(_ protocol.Call, a protocol.Answered) { observed.Store(a) },
			}, kinesis.NewService(eventful{stream: stream}))
			client, url := serving(t, h, way)

			answer := send(t, t.Context(), client, url, "SubscribeToShard", subscribeBody)
			if !strings.HasPrefix(way, answer.Proto) || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/vnd.amazon.eventstream" ||
				answer.Header.Get("X-Amzn-Requestid") == "" || answer.ContentLength != -1 {
				t.Errorf("%s %d %v", answer.Proto, answer.StatusCode, answer.Header)
			}
			if got := receive(t, answer.Body); got != "event initial-response "+amzn+" {}" {
				t.Error(got)
			}
			for range 3 {
				stream.lines <- line{event: event("x")}
				want := "event SubscribeToShardEvent " + amzn + ` {"Records":[{"SequenceNumber":"1","Data":"eA==","PartitionKey":"k"}],"ContinuationSequenceNumber":"2","MillisBehindLatest":0}`
				if got := receive(t, answer.Body); got != want {
					t.Error(got)
				}
			}
			// While it is idle, the same connection has room for others.
			if way != "HTTP/1.1" {
				reused := false
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
				if other := send(t, ctx, client, url, "CreateStream", `{"StreamName":"a"}`); other.StatusCode != 200 || !reused {
					t.Errorf("%d, on the same connection: %t", other.StatusCode, reused)
				}
			}
			stream.lines <- line{err: fmt.Errorf("taken over: %w", &protocol.Error{Code: kinesis.ResourceInUseException, Message: "x"})}
			if got := receive(t, answer.Body); got != "exception ResourceInUseException "+amzn+` {"message":"x"}` {
				t.Error(got)
			}
			if rest, err := io.ReadAll(answer.Body); err != nil || len(rest) > 0 {
				t.Errorf("then %q, %v", rest, err)
			}
			<-stream.closed

			// Another one, which ends well, on the same connection.
			reused := false
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
			answer = send(t, ctx, client, url, "SubscribeToShard", subscribeBody)
			if !reused {
				t.Error("the connection was given up")
			}
			stream.lines <- line{err: io.EOF}
			if rest, err := io.ReadAll(answer.Body); err != nil || len(rest) != 0x72 { // the initial response
				t.Errorf("%q, %v", rest, err)
			}
			<-stream.closed
			if a, _ := observed.Load().(protocol.Answered); a.Status != 200 || a.Duration <= 0 {
				t.Errorf("observed %+v", a)
			}

			// An error before there is a stream is an ordinary one.
			answer = send(t, t.Context(), client, url, "SubscribeToShard", strings.Replace(subscribeBody, "shardId-0", "taken", 1))
			if text, err := io.ReadAll(answer.Body); answer.StatusCode != 400 || string(text) != `{"__type":"ResourceInUseException","message":"x"}` {
				t.Errorf("%d %s, %v", answer.StatusCode, text, err)
			}

			// The client hangs up.
			ctx, hangUp := context.WithCancel(t.Context())
			answer = send(t, ctx, client, url, "SubscribeToShard", subscribeBody)
			receive(t, answer.Body)
			hangUp()
			if err := <-stream.closed; !errors.Is(err, context.Canceled) {
				t.Errorf("closed with %v", err)
			}
		})
	}
}

// TestEventsThatFail has a stream end with what is not among its exceptions: the client is not told more than that.
func TestEventsThatFail(t *testing.T) {
	for _, failure := range []error{
		errors.New("the disk said something that clients must not see"),
		&protocol.Error{Code: kinesis.ExpiredIteratorException, Message: "must not be seen either"},
	} {
		stream := newScript()
		var log bytes.Buffer
		h := protocol.NewHandler(protocol.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, kinesis.NewService(eventful{stream: stream}))
		go func() { stream.lines <- line{err: failure} }()
		w := answer(h, call("SubscribeToShard", subscribeBody))
		receive(t, w.Body)
		if got := receive(t, w.Body); got != "exception InternalFailureException "+amzn+" {}" || w.Body.Len() > 0 {
			t.Error(got)
		}
		if !strings.Contains(log.String(), failure.Error()) {
			t.Errorf("not in the log: %s", log.String())
		}
	}
}

// slow is a client that takes a message only when it is told to.
type slow struct {
	*httptest.ResponseRecorder
	take chan struct{}
}

func (s slow) Write(b []byte) (int, error) {
	<-s.take
	return s.ResponseRecorder.Write(b)
}

// TestSlowClient is asked for an event only when it has taken the one before, and holds no memory of its request.
func TestSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newScript()
		h := protocol.NewHandler(protocol.Config{Log: slog.New(slog.DiscardHandler), BodyMemory: 200}, kinesis.NewService(eventful{stream: stream}))
		client := slow{httptest.NewRecorder(), make(chan struct{})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.ServeHTTP(client, call("SubscribeToShard", subscribeBody))
		}()
		events := make(chan struct{})
		go func() {
			defer close(events)
			for range 5 {
				stream.lines <- line{event: event("x")}
			}
			stream.lines <- line{err: io.EOF}
		}()
		for taken := range 6 {
			synctest.Wait()
			if asked := stream.asked.Load(); asked != int32(taken) {
				t.Errorf("asked %d times, %d messages taken", asked, taken)
			}
			if w := answer(h, call("CreateStream", `{"StreamName":"a"}`+strings.Repeat(" ", 180))); w.Code != 200 {
				t.Errorf("another request: %d %s", w.Code, w.Body)
			}
			client.take <- struct{}{}
		}
		<-done
		<-events
	})
}

// TestStuckStream leaves one stream of a connection unread, with more on its way than the client has room for: the others
// on the connection go on.
func TestStuckStream(t *testing.T) {
	stream := newScript()
	h := protocol.NewHandler(protocol.Config{Log: slog.New(slog.DiscardHandler)}, kinesis.NewService(eventful{stream: stream}))
	client, url := serving(t, h, "HTTP/2.0 in clear text")
	ctx, cancel := context.WithCancel(t.Context())
	send(t, ctx, client, url, "SubscribeToShard", subscribeBody)
	big := event(strings.Repeat("x", 1<<20))
	for stuck := false; !stuck; { // until the dispatcher waits for the client instead of the stream
		select {
		case stream.lines <- line{event: big}:
		case <-time.After(100 * time.Millisecond):
			stuck = true
		}
	}
	for range 10 {
		reused := false
		trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
		if other := send(t, trace, client, url, "CreateStream", `{"StreamName":"a"}`); other.StatusCode != 200 || !reused {
			t.Errorf("%d, on the same connection: %t", other.StatusCode, reused)
		}
	}
	cancel()
	<-stream.closed
}
