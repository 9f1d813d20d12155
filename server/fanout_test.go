package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/stream"
)

// street is the house's street door with streams behind it, in a bubble.
type street struct {
	t       *testing.T
	streams *stream.Service
	client  *http.Client
	url     string
}

// ways are those in which clients speak, with the scheme of the URL.
var ways = map[string]string{"HTTP/1.1": "http", "HTTP/2": "http", "HTTP/2 over TLS": "https"}

// inStreet runs a test behind the door and the server that Run would serve with.
func inStreet(t *testing.T, way string, test func(t *testing.T, s *street)) {
	atTheDoor(t, func(t *testing.T, p *pipes, d *doorway) {
		log := slog.New(slog.DiscardHandler)
		streams, err := stream.New(stream.Config{Store: disktest.Memory(t), Clock: clockwork.NewRealClock(), Log: log})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() {
			if err := streams.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		served := (&Server{log: log}).newHTTPServer(protocol.NewHandler(protocol.Config{Log: log}, kinesis.New(streams)))
		running.Go(func() {
			if err := served.Serve(d); !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		})
		transport := &http.Transport{
			DialContext:     func(context.Context, string, string) (net.Conn, error) { return p.dial(), nil },
			Protocols:       new(http.Protocols),
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // who the server is, other tests ask
		}
		transport.Protocols.SetHTTP1(way == "HTTP/1.1")
		transport.Protocols.SetUnencryptedHTTP2(way == "HTTP/2")
		transport.Protocols.SetHTTP2(way == "HTTP/2 over TLS")
		s := &street{t: t, streams: streams, client: &http.Client{Transport: transport}, url: ways[way] + "://localhost"}
		s.make()
		test(t, s)
		transport.CloseIdleConnections()
		if err := served.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		running.Wait()
	})
}

var fanName = stream.Name{Account: "123456789012", Region: "us-east-1", Name: "s"}

// make makes a stream with a consumer.
func (s *street) make() {
	if err := s.streams.Create(s.t.Context(), fanName, stream.CreateOptions{ShardCount: 1}); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	if _, err := s.streams.RegisterConsumer(s.t.Context(), fanName, "c", nil); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
}

func (s *street) subscribe() *http.Response {
	s.t.Helper()
	c, err := s.streams.DescribeConsumer(s.t.Context(), stream.ConsumerID{Stream: fanName, Name: "c"})
	if err != nil {
		s.t.Fatal(err)
	}
	body := fmt.Sprintf(`{"ConsumerARN":%q,"ShardId":"shardId-000000000000","StartingPosition":{"Type":"TRIM_HORIZON"}}`, c.ARN())
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "Kinesis_20131202.SubscribeToShard")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Date", "20000101T000000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=123456789012/20000101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		text, err := io.ReadAll(answer.Body)
		s.t.Fatalf("%d %s %v", answer.StatusCode, text, err)
	}
	return answer
}

// TestSubscriptionLastsFiveMinutes reads a subscription to its end through the real server: none of its own timeouts, which
// are shorter, cuts it, and the connection is good for the next one.
func TestSubscriptionLastsFiveMinutes(t *testing.T) {
	for way := range ways {
		t.Run(way, func(t *testing.T) {
			inStreet(t, way, func(t *testing.T, s *street) {
				for range 2 {
					begun, answer, messages := time.Now(), s.subscribe(), 0
					for {
						_, err := eventstream.NewDecoder().Decode(answer.Body, nil)
						if errors.Is(err, io.EOF) {
							break
						}
						if err != nil {
							t.Fatal(err)
						}
						messages++
					}
					if life := time.Since(begun); life != stream.SubscriptionLife || messages != 60 {
						t.Errorf("ended after %s and %d messages", life, messages)
					}
					answer.Body.Close()
				}
			})
		})
	}
}

// TestClientThatTakesNothing has more to send than the way to the client holds. The server holds one event and waits, and
// in the end gives the client up.
func TestClientThatTakesNothing(t *testing.T) {
	for way := range ways {
		t.Run(way, func(t *testing.T) {
			inStreet(t, way, func(t *testing.T, s *street) {
				entries := []stream.Entry{{Data: make([]byte, stream.MaxEventBytes-1), PartitionKey: "k"}}
				for range 40 { // the HTTP/2 client takes 4 MiB unasked
					if _, err := s.streams.Put(t.Context(), fanName, entries); err != nil {
						t.Fatal(err)
					}
				}
				answer := s.subscribe()
				<-time.After(12 * time.Minute)
				synctest.Wait()
				n, err := io.Copy(io.Discard, answer.Body)
				if err == nil || n > 20*stream.MaxEventBytes {
					t.Errorf("got %d bytes, %v", n, err)
				}
				answer.Body.Close()
			})
		})
	}
}
