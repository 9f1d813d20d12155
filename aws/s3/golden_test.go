package s3_test

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
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/s3"
	"github.com/millrace/millrace/bucket"
	"github.com/millrace/millrace/store/disk"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata instead of comparing; read the difference before keeping it")

// newHouse opens a room in memory with its door behind the dispatcher. Nothing of it runs but what is called.
func newHouse(t testing.TB, clock clockwork.Clock) http.Handler {
	t.Helper()
	engine, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	log := slog.New(slog.DiscardHandler)
	buckets, err := bucket.New(context.Background(), bucket.Config{Store: engine, Clock: clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	config := protocol.Config{Log: log, Account: "000000000000", Region: "us-east-1"}
	return protocol.NewHandler(config, s3.New(buckets))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own. Each pair of sections is a request and its answer;
// the mark says where the answer is known from: AWS (recorded or documented), PEER (another implementation that
// observed AWS), OPEN (AWS is unknown here, or we differ on purpose).
//
// AUTH in a request stands for an Authorization header, OTHER for one of another account, PRESIGNED for the parameters of a presigned URL, \r\n at the end of a line for a
// carriage return. A section named "after 30s: …" moves the clock first. Ids are named in the order of their first appearance.
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
	h, ids := newHouse(t, clock), []string(nil)
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
		asked := string(request.Data)
		for j, id := range ids {
			asked = strings.ReplaceAll(asked, fmt.Sprintf("ID-%d", j+1), id)
		}
		got := uuids.ReplaceAllStringFunc(exchange(t, h, asked), func(id string) string {
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
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	asked = regexp.MustCompile(`<RequestId>[^<]*</RequestId><HostId>[^<]*</HostId>`)
)

const auth = "Authorization: AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/s3/aws4_request, " +
	"SignedHeaders=host, Signature=0f\nX-Amz-Date: 20260101T000000Z"

const presigned = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fus-east-1%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-Signature=0f&X-Amz-SignedHeaders=host"

// exchange sends a request and shows the answer.
func exchange(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	body = strings.ReplaceAll(strings.TrimSuffix(body, "\n"), `\r\n`, "\r")
	head = strings.TrimRight(head, "\n")
	head = strings.ReplaceAll(head, "PRESIGNED", presigned)
	head = strings.ReplaceAll(head, "AUTH", fmt.Sprintf(auth, "AKIDEXAMPLE"))
	head = strings.ReplaceAll(head, "OTHER", fmt.Sprintf(auth, "123456789012"))
	if !strings.Contains(head, "Host:") {
		head += "\nHost: 127.0.0.1:4566"
	}
	if !strings.Contains(head, "Content-Length:") {
		head += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	raw := strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var b bytes.Buffer
	fmt.Fprintln(&b, w.Code)
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		if value := strings.Join(w.Header()[name], ","); value != "" && !strings.HasPrefix(strings.ToLower(name), "x-amz-id") && !strings.EqualFold(name, "x-amz-request-id") {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if w.Body.Len() > 0 {
		fmt.Fprintln(&b, asked.ReplaceAllString(w.Body.String(), "<RequestId>ID</RequestId><HostId>ID</HostId>"))
	}
	return b.String()
}
