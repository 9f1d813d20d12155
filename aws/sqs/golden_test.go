package sqs_test

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/sqs"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store/disk/disktest"
)

// house is a room with its door behind the dispatcher.
type house struct {
	queues *queue.Service
	http.Handler
}

// newHouse opens a house in memory. Nothing of it runs but what is called.
func newHouse(t testing.TB, clock clockwork.Clock, edit ...func(*queue.Config)) *house {
	t.Helper()
	tables := disktest.Memory(t)
	log := slog.New(slog.DiscardHandler)
	c := queue.Config{Store: tables, Clock: clock, Log: log}
	for _, e := range edit {
		e(&c)
	}
	queues, err := queue.New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	config := protocol.Config{Log: log, Account: "000000000000", Region: "us-east-1"}
	return &house{queues, protocol.NewHandler(config, sqs.New(queues))}
}

// TestWire plays testdata/*.txt: a story each, in a house of its own. A request is "JSON Operation" and a document, or a raw
// HTTP request, in which AUTH stands for an Authorization header. Message ids, receipt handles and the handles of tasks have
// names.
func TestWire(t *testing.T) {
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
		h := newHouse(t, clock)
		masks := wiretest.Masks{wiretest.NewMask("ID-%d", wiretest.UUID), wiretest.NewMask("TASK-%d", tasks), wiretest.NewMask("HANDLE-%d", handles)}
		s.Play(t, clock.Advance, func(request string) string { return masks.Hide(exchange(t, h, masks.Show(request))) })
	})
}

const scope wiretest.Scope = "20260101/us-east-1/sqs"

var (
	handles = regexp.MustCompile(`AQEB[A-Za-z0-9+/]{60}`)
	tasks   = regexp.MustCompile(`eyJ0YXNrSWQi[A-Za-z0-9+/]+=*`)
)

// exchange sends a request and shows the answer.
func exchange(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	if op, ok := strings.CutPrefix(request, "JSON "); ok {
		op, document, _ := strings.Cut(op, "\n")
		request = "POST / HTTP/1.1\nX-Amz-Target: AmazonSQS." + op + "\nContent-Type: application/x-amz-json-1.0\nAUTH\n\n" +
			document
	}
	head, body, _ := strings.Cut(request, "\n\n")
	head = strings.TrimRight(head, "\n") + "\nHost: sqs.test:4566"
	return wiretest.Show(wiretest.Serve(h, scope.Parse(t, head, strings.TrimRight(body, "\n"))))
}
