package sqs_test

import (
	"bufio"
	"bytes"
	"context"
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

	"github.com/jonboulle/clockwork"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/sqs"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store/disk"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata instead of comparing; read the difference before keeping it")

// house is a room with its door behind the dispatcher.
type house struct {
	queues *queue.Service
	http.Handler
}

// newHouse opens a house in memory. Nothing of it runs but what is called.
func newHouse(t testing.TB, clock clockwork.Clock, edit ...func(*queue.Config)) *house {
	t.Helper()
	tables, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tables.Close() })
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

// TestWire plays testdata/*.txt: a story each, in a house of its own. Each pair of sections is a request and its answer;
// the mark says where the answer is known from: AWS (recorded or documented), PEER (another implementation that
// observed AWS), OPEN (AWS is unknown here, or we differ on purpose).
//
// A request is "JSON Operation" and a document, or a raw HTTP request, in which AUTH stands for an Authorization header.
// A section named "after 30s: …" moves the clock first. Message ids and receipt handles are named in the order of their
// first appearance, in answers and in the requests that use them. An answer is shown with its status, content type and
// query error.
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
	mark  = regexp.MustCompile(`\[(AWS|PEER|OPEN)\]$`)
	after = regexp.MustCompile(`^after (\S+): `)
)

func play(t *testing.T, archive *txtar.Archive) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
	h, m := newHouse(t, clock), new(mask)
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
			clock.Advance(d)
		}
		got := m.hide(exchange(t, h, m.show(string(request.Data))))
		if *rewrite {
			answer.Data = []byte(got)
		} else if got != string(answer.Data) {
			t.Errorf("%s\n--- got\n%s--- want\n%s", request.Name, got, answer.Data)
		}
	}
}

const auth = "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/sqs/aws4_request, " +
	"SignedHeaders=host, Signature=0f\r\nX-Amz-Date: 20260101T000000Z"

// exchange sends a request and shows the answer.
func exchange(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	if op, ok := strings.CutPrefix(request, "JSON "); ok {
		op, document, _ := strings.Cut(op, "\n")
		request = "POST / HTTP/1.1\nX-Amz-Target: AmazonSQS." + op + "\nContent-Type: application/x-amz-json-1.0\nAUTH\n\n" +
			document
	}
	head, body, _ := strings.Cut(request, "\n\n")
	body = strings.TrimRight(body, "\n")
	head = strings.ReplaceAll(strings.TrimRight(head, "\n"), "AUTH", auth)
	head += fmt.Sprintf("\nHost: sqs.test:4566\nContent-Length: %d", len(body))
	raw := strings.ReplaceAll(strings.ReplaceAll(head, "\r\n", "\n"), "\n", "\r\n") + "\r\n\r\n" + body
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var b bytes.Buffer
	fmt.Fprintln(&b, w.Code, w.Header().Get("Content-Type"))
	for name, values := range w.Header() {
		if strings.EqualFold(name, "x-amzn-query-error") {
			fmt.Fprintln(&b, name+":", values[0])
		}
	}
	fmt.Fprintln(&b, w.Body.String())
	return b.String()
}

// mask gives ids and handles names.
type mask struct{ ids, handles, tasks []string }

var (
	uuids     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	requestID = regexp.MustCompile(`<RequestId>[^<]*</RequestId>`)
	handles   = regexp.MustCompile(`AQEB[A-Za-z0-9+/]{60}`)
	tasks     = regexp.MustCompile(`eyJ0YXNrSWQi[A-Za-z0-9+/]+=*`)
	escaped   = strings.NewReplacer("+", "%2B", "/", "%2F")
)

func named(all *[]string, kind string) func(string) string {
	return func(found string) string {
		for i, s := range *all {
			if s == found {
				return fmt.Sprint(kind, i+1)
			}
		}
		*all = append(*all, found)
		return fmt.Sprint(kind, len(*all))
	}
}

func (m *mask) hide(answer string) string {
	answer = requestID.ReplaceAllString(answer, "<RequestId>ID</RequestId>")
	answer = uuids.ReplaceAllStringFunc(answer, named(&m.ids, "ID-"))
	answer = tasks.ReplaceAllStringFunc(answer, named(&m.tasks, "TASK-"))
	return handles.ReplaceAllStringFunc(answer, named(&m.handles, "HANDLE-"))
}

// show puts handles into a request, escaped where they stand in a form.
func (m *mask) show(request string) string {
	for i, s := range m.handles {
		request = strings.ReplaceAll(request, fmt.Sprintf("=HANDLE-%d.", i+1), "="+escaped.Replace(s))
		request = strings.ReplaceAll(request, fmt.Sprintf("\"HANDLE-%d\"", i+1), `"`+s+`"`)
	}
	for i, s := range m.tasks {
		request = strings.ReplaceAll(request, fmt.Sprintf("\"TASK-%d\"", i+1), `"`+s+`"`)
	}
	return request
}
