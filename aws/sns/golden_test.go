package sns_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/sns"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/topic"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata instead of comparing; read the difference before keeping it")

// postbox keeps what is delivered.
type postbox struct {
	mu   sync.Mutex
	text []string
}

// Deliver implements topic.Deliverer. The queue "gone" takes nothing, "broken" fails.
func (p *postbox) Deliver(_ context.Context, endpoint string, deliveries []topic.Delivery) ([]error, error) {
	switch {
	case strings.HasSuffix(endpoint, ":gone"):
		return slices.Repeat([]error{topic.ErrUndeliverable}, len(deliveries)), nil
	case strings.HasSuffix(endpoint, ":broken"):
		return nil, fmt.Errorf("disk full")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range deliveries {
		text := "to " + endpoint + "\n" + d.Body
		for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
			text += fmt.Sprintf("\nwith %s=%+v", name, d.Attributes[name])
		}
		if d.DeduplicationID != nil {
			text += fmt.Sprintf("\nin group %s, known by %s", *d.Group, *d.DeduplicationID)
		}
		p.text = append(p.text, text)
	}
	return nil, nil
}

// empty returns what was delivered since the last call.
func (p *postbox) empty() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.text
	slices.SortStableFunc(all, func(a, b string) int { // by endpoint, in the order of delivery
		a, _, _ = strings.Cut(a, "\n")
		b, _, _ = strings.Cut(b, "\n")
		return strings.Compare(a, b)
	})
	p.text = nil
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "\n") + "\n"
}

// newHouse opens a room in memory with its door behind the dispatcher.
func newHouse(t testing.TB, clock clockwork.Clock, d topic.Deliverer) http.Handler {
	t.Helper()
	engine, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	log := slog.New(slog.DiscardHandler)
	topics, err := topic.New(context.Background(), topic.Config{Store: engine, Clock: clock, Log: log, Deliverer: d, URL: "http://127.0.0.1:4566"})
	if err != nil {
		t.Fatal(err)
	}
	return protocol.NewHandler(protocol.Config{Log: log, Account: "000000000000", Region: "us-east-1"}, sns.New(topics))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own. Each pair of sections is a request and its answer;
// the mark says where the answer is known from: AWS (recorded or documented), PEER (another implementation that
// observed AWS), OPEN (AWS is unknown here, or we differ on purpose).
//
// A request is an operation and its parameters, a line each. LONG in a value stands for 262,145 characters, TOPIC for
// arn:aws:sns:us-east-1:000000000000:, QUEUE for the same with sqs. What was delivered stands behind the answer. Ids are
// named in the order of their first appearance.
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

var mark = regexp.MustCompile(`\[(AWS|PEER|OPEN)\]$`)

func play(t *testing.T, archive *txtar.Archive) {
	p := new(postbox)
	h, ids := newHouse(t, clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)), p), []string(nil)
	for i := 0; i+1 < len(archive.Files); i += 2 {
		request, answer := archive.Files[i], &archive.Files[i+1]
		if answer.Name != "answer" || !mark.MatchString(request.Name) {
			t.Fatalf("section %q wants a mark and an answer", request.Name)
		}
		asked := string(request.Data)
		for j, id := range ids {
			asked = strings.ReplaceAll(asked, fmt.Sprintf("ID-%d.", j+1), id)
		}
		got := requestID.ReplaceAllString(exchange(t, h, asked)+p.empty(), "<RequestId>ID</RequestId>")
		got = secrets.ReplaceAllString(got, "$1 : \"…\"")
		got = uuids.ReplaceAllStringFunc(got, func(id string) string {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			return fmt.Sprintf("ID-%d", slices.Index(ids, id)+1)
		})
		if *rewrite {
			answer.Data = []byte(got)
		} else if got != string(answer.Data) {
			t.Errorf("%s\n--- got\n%s--- want\n%s", request.Name, got, answer.Data)
		}
	}
}

var (
	uuids     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	requestID = regexp.MustCompile(`<RequestId>[^<]*</RequestId>`)
	secrets   = regexp.MustCompile(`("Signature"|"SigningCertURL") : "[^"]*"`)
)

// exchange sends a request and shows the answer.
func exchange(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	operation, rest, _ := strings.Cut(request, "\n")
	form := url.Values{"Action": {operation}, "Version": {"2010-03-31"}}
	for line := range strings.Lines(rest) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			t.Fatalf("no parameter: %q", line)
		}
		value = strings.ReplaceAll(value, "TOPIC", "arn:aws:sns:us-east-1:000000000000:")
		value = strings.ReplaceAll(value, "QUEUE", "arn:aws:sqs:us-east-1:000000000000:")
		form.Set(name, strings.ReplaceAll(value, "LONG", strings.Repeat("x", 262145)))
	}
	body := form.Encode()
	raw := "POST / HTTP/1.1\r\nHost: 127.0.0.1:4566\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0f\r\n" +
		fmt.Sprintf("X-Amz-Date: 20260101T000000Z\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d %s\n%s\n", w.Code, w.Header().Get("Content-Type"), w.Body)
	return b.String()
}
