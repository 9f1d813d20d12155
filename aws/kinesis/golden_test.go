package kinesis_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/stream"
)

// house is a room with its door behind the dispatcher.
type house struct {
	streams *stream.Service
	http.Handler
}

// newHouse opens a house in memory and runs it until stop is called.
func newHouse(t testing.TB, c stream.Config) (h *house, stop func()) {
	t.Helper()
	engine := disktest.Memory(t)
	log := slog.New(slog.DiscardHandler)
	c.Store, c.Log = engine, log
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	streams, err := stream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- streams.Run(ctx) }()
	config := protocol.Config{Log: log, Account: "123456789012", Region: "eu-west-1"}
	return &house{streams, protocol.NewHandler(config, kinesis.New(streams))}, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestWire plays testdata/*.txt: a story each, in a house of its own and in virtual time, which begins with the year
// 2000. Streams take ten seconds from state to state, and an account may have 60 shards. A request is an operation, then its
// document.
//
// An operation followed by "in CBOR" is asked in that encoding, and its answer is shown in diagnostic notation.
//
// Iterators and tokens have names. SubscribeToShard is answered with what comes at once; the request "Events 1" shows what has
// come since from the first subscription of the story. BYTES(n) in a request stands for a payload of n bytes. A story that
// says "With shard limits." has them.
func TestWire(t *testing.T) {
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		synctest.Test(t, func(t *testing.T) {
			h, stop := storyHouse(t, s)
			defer stop()
			watched, masks := watch(t, h), newMasks()
			defer watched.leave()
			s.Play(t, wiretest.Sleep, func(request string) string {
				return masks.Hide(watched.exchange(asked(masks, request)))
			})
		})
	})
}

// storyHouse is the house that a story plays in.
func storyHouse(t *testing.T, s *wiretest.Story) (*house, func()) {
	t.Helper()
	limited := strings.Contains(s.Opening, "With shard limits.")
	return newHouse(t, stream.Config{TransitionDelay: 10 * time.Second, ShardLimit: 60, ShardLimits: limited})
}

// asked reads the request of a story.
func asked(masks wiretest.Masks, request string) (operation, document string) {
	operation, document, _ = strings.Cut(masks.Show(payloads.ReplaceAllStringFunc(request, payload)), "\n")
	return operation, document
}

var payloads = regexp.MustCompile(`BYTES\((\d+)\)`)

// payload writes the payload that BYTES(n) stands for.
func payload(text string) string {
	n, _ := strconv.Atoi(payloads.FindStringSubmatch(text)[1])
	return base64.StdEncoding.EncodeToString(make([]byte, n))
}

// newMasks hides iterators and tokens.
func newMasks() wiretest.Masks {
	return wiretest.Masks{wiretest.NewMask("ITERATOR-%d", iterators), wiretest.NewMask("TOKEN-%d", tokens)}
}

var (
	iterators = regexp.MustCompile(`ShardIterator": ?"([^"]+)`)
	tokens    = regexp.MustCompile(`NextToken": ?"([^"]+)`)
)

// exchange sends a request and shows the answer: the status, and the body if there is one.
func exchange(h http.Handler, operation, document string) string {
	return show(wiretest.Serve(h, newRequest(operation, document)))
}

func show(w *httptest.ResponseRecorder) string {
	return fmt.Sprintln(w.Code) + wiretest.Body(w)
}

const scope wiretest.Scope = "20000101/eu-west-1/kinesis"

func newRequest(operation, document string) *http.Request {
	return scope.Call("Kinesis_20131202."+operation, "application/x-amz-json-1.1", strings.TrimRight(document, "\n"))
}
