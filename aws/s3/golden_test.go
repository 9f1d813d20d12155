package s3_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/s3"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/bucket"
	"github.com/millrace/millrace/store/disk/disktest"
)

// newHouse opens a room in memory with its door behind the dispatcher. Nothing of it runs but what is called.
func newHouse(t testing.TB, clock clockwork.Clock) http.Handler {
	t.Helper()
	engine := disktest.Memory(t)
	log := slog.New(slog.DiscardHandler)
	buckets, err := bucket.New(context.Background(), bucket.Config{Store: engine, Clock: clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	config := protocol.Config{Log: log, Account: "000000000000", Region: "us-east-1"}
	return protocol.NewHandler(config, s3.New(buckets))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own. AUTH in a request stands for an Authorization header,
// OTHER for one of another account, PRESIGNED for the parameters of a presigned URL, \r\n at the end of a line for a carriage return. The ids of uploads have names.
func TestWire(t *testing.T) {
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
		h, masks := newHouse(t, clock), wiretest.Masks{wiretest.NewMask("ID-%d", wiretest.UUID)}
		s.Play(t, clock.Advance, func(request string) string { return masks.Hide(exchange(t, h, masks.Show(request))) })
	})
}

const scope wiretest.Scope = "20260101/us-east-1/s3"

const presigned = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fus-east-1%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-Signature=0f&X-Amz-SignedHeaders=host"

// exchange sends a request and shows the answer: the status, the headers, and the body if there is one.
func exchange(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	head = strings.ReplaceAll(head, "PRESIGNED", presigned)
	head = strings.ReplaceAll(head, "OTHER", scope.Header("123456789012"))
	body = strings.ReplaceAll(strings.TrimSuffix(body, "\n"), `\r\n`, "\r")
	w := wiretest.Serve(h, scope.Parse(t, head, body))
	text := fmt.Sprintln(w.Code)
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		if value := strings.Join(w.Header()[name], ","); value != "" && !strings.HasPrefix(strings.ToLower(name), "x-amz-id") && !strings.EqualFold(name, "x-amz-request-id") {
			text += fmt.Sprintf("%s: %s\n", name, value)
		}
	}
	return text + wiretest.Body(w)
}
