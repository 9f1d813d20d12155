package cloudwatch_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/jonboulle/clockwork"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/cloudwatch"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/metric"
	"github.com/millrace/millrace/store/disk"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata instead of comparing; read the difference before keeping it")

// newHouse opens a room of metrics in memory, with its door behind the dispatcher. Nothing of it runs but what is called.
func newHouse(t testing.TB, clock clockwork.Clock, limit int) http.Handler {
	t.Helper()
	tables, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tables.Close() })
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

// TestWire plays testdata/*.txt: a story each, in a house of its own, at noon of 1 August 2026. Each pair of sections is a
// request and its answer; the mark says where the answer is known from: AWS (recorded or documented), PEER (another
// implementation that observed AWS), OPEN (AWS is unknown here, or we differ on purpose).
//
// A request is "JSON Operation" or "CBOR Operation" and a document, or "QUERY" and a form, each parameter on a line of its
// own. GZIP before it sends the body compressed. In documents of CBOR a text that begins with @ is a time. An answer in
// CBOR is shown as JSON, with the times in brackets.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			play(t, archive)
			if *rewrite {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var (
	mark      = regexp.MustCompile(`\[(AWS|PEER|OPEN)\]$`)
	requestID = regexp.MustCompile(`<RequestId>[^<]*</RequestId>`)
	noon      = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
)

func play(t *testing.T, archive *txtar.Archive) {
	h := newHouse(t, clockwork.NewFakeClockAt(noon), 20)
	for i := 0; i+1 < len(archive.Files); i += 2 {
		request, answer := archive.Files[i], &archive.Files[i+1]
		if answer.Name != "answer" || !mark.MatchString(request.Name) {
			t.Fatalf("section %q wants a mark and an answer", request.Name)
		}
		got := exchange(t, h, strings.TrimRight(string(request.Data), "\n"))
		if *rewrite {
			answer.Data = []byte(got)
		} else if got != string(answer.Data) {
			t.Errorf("%s\n--- got\n%s--- want\n%s", request.Name, got, answer.Data)
		}
	}
}

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
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260801/us-east-1/monitoring/aws4_request, "+
		"SignedHeaders=host, Signature=0f")
	r.Header.Set("X-Amz-Date", "20260801T120000Z")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return show(t, w)
}

func zip(t *testing.T, body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// show writes an answer with its status, content type and query error.
func show(t *testing.T, w *httptest.ResponseRecorder) string {
	var b strings.Builder
	fmt.Fprintln(&b, w.Code, w.Header().Get("Content-Type"))
	for name, values := range w.Header() {
		if strings.EqualFold(name, "x-amzn-query-error") {
			fmt.Fprintln(&b, name+":", values[0])
		}
	}
	body := w.Body.Bytes()
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/cbor") && len(body) > 0 {
		body = fromCBOR(t, body)
	}
	fmt.Fprintln(&b, requestID.ReplaceAllString(string(body), "<RequestId>ID</RequestId>"))
	return b.String()
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

// fromCBOR shows CBOR in the notation of RFC 8949.
func fromCBOR(t *testing.T, b []byte) []byte {
	text, err := cbor.Diagnose(b)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text)
}
