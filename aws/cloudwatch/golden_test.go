package cloudwatch_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/cloudwatch"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/metric"
	"github.com/millrace/millrace/store/disk/disktest"
)

// newHouse opens a room of metrics in memory, with its door behind the dispatcher. Nothing of it runs but what is called.
func newHouse(t testing.TB, clock clockwork.Clock, limit int) http.Handler {
	t.Helper()
	tables := disktest.Memory(t)
	metrics, err := metric.New(metric.Config{Store: tables, Clock: clock, Metrics: limit})
	if err != nil {
		t.Fatal(err)
	}
	alarms, err := alarm.New(t.Context(), alarm.Config{Store: tables, Clock: clock, Reader: cloudwatch.Reader{Metrics: metrics, Clock: clock}})
	if err != nil {
		t.Fatal(err)
	}
	config := protocol.Config{Log: slog.New(slog.DiscardHandler), Account: "000000000000", Region: "us-east-1"}
	return protocol.NewHandler(config, cloudwatch.New(metrics, alarms, clock))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own, at noon of 1 August 2026.
//
// A request is "JSON Operation" or "CBOR Operation" and a document, or "QUERY" and a form, each parameter on a line of its
// own. GZIP before it sends the body compressed. In documents of CBOR a text that begins with @ is a time. An answer in
// CBOR is shown as JSON, with the times in brackets.
func TestWire(t *testing.T) {
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		h := newHouse(t, clockwork.NewFakeClockAt(noon), 20)
		s.Play(t, nil, func(request string) string { return exchange(t, h, strings.TrimRight(request, "\n")) })
	})
}

const scope wiretest.Scope = "20260801/us-east-1/monitoring"

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// exchange sends a request and shows the answer.
func exchange(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	request, zipped := strings.CutPrefix(request, "GZIP ")
	first, text, _ := strings.Cut(request, "\n")
	kind, operation, _ := strings.Cut(first, " ")
	path, body, header := "/", []byte(text), http.Header{}
	switch kind {
	case "JSON":
		header.Set("X-Amz-Target", "GraniteServiceVersion20100801."+operation)
		header.Set("Content-Type", "application/x-amz-json-1.0")
	case "CBOR":
		path = "/service/GraniteServiceVersion20100801/operation/" + operation
		header.Set("Smithy-Protocol", "rpc-v2-cbor")
		header.Set("Content-Type", "application/cbor")
		body = toCBOR(t, text)
	case "QUERY":
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		body = []byte(strings.ReplaceAll(text, "\n", "&"))
	default:
		t.Fatalf("a request begins with %q", kind)
	}
	if zipped {
		header.Set("Content-Encoding", "gzip")
		body = zip(t, body)
	}
	r := httptest.NewRequest(http.MethodPost, path, bufio.NewReader(bytes.NewReader(body)))
	r.ContentLength = int64(len(body))
	r.Header = header
	scope.Sign(r)
	return wiretest.Show(wiretest.Serve(h, r))
}

func zip(t *testing.T, body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// toCBOR writes a JSON document over, with texts that begin with @ as times.
func toCBOR(t *testing.T, text string) []byte {
	var document any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	b, err := cbor.Marshal(timed(document))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func timed(v any) any {
	switch v := v.(type) {
	case string:
		if at, ok := strings.CutPrefix(v, "@"); ok {
			if moment, err := time.Parse(time.RFC3339, at); err == nil {
				return cbor.Tag{Number: 1, Content: float64(moment.UnixMilli()) / 1000}
			}
		}
	case []any:
		for i := range v {
			v[i] = timed(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = timed(v[k])
		}
	}
	return v
}
