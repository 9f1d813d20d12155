package logs_test

import (
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

	door "github.com/millrace/millrace/aws/logs"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/logs"
	"github.com/millrace/millrace/store/disk"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata instead of comparing; read the difference before keeping it")

// newHouse opens a room of logs in memory, with its door behind the dispatcher. Nothing of it runs but what is called.
func newHouse(t testing.TB, clock clockwork.Clock) (*logs.Service, http.Handler) {
	t.Helper()
	s, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	room, err := logs.New(logs.Config{Store: s, Clock: clock, Groups: 5})
	if err != nil {
		t.Fatal(err)
	}
	config := protocol.Config{Log: slog.New(slog.DiscardHandler), Account: "000000000000", Region: "us-east-1"}
	return room, protocol.NewHandler(config, door.New(room))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own, at noon of 1 August 2026, or a second later after
// each answer. Each pair of sections is a request and its answer; the mark says where the answer is known from: AWS (recorded
// or documented), PEER (another implementation that observed AWS), OPEN (AWS is unknown here, or we differ on purpose).
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
	mark = regexp.MustCompile(`\[(AWS|PEER|OPEN)\]$`)
	noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
)

func play(t *testing.T, archive *txtar.Archive) {
	clock := clockwork.NewFakeClockAt(noon)
	_, h := newHouse(t, clock)
	for i := 0; i+1 < len(archive.Files); i += 2 {
		request, answer := archive.Files[i], &archive.Files[i+1]
		if answer.Name != "answer" || !mark.MatchString(request.Name) {
			t.Fatalf("section %q wants a mark and an answer", request.Name)
		}
		operation, body, _ := strings.Cut(strings.TrimRight(string(request.Data), "\n"), "\n")
		got := exchange(h, operation, body)
		clock.Advance(time.Second)
		if *rewrite {
			answer.Data = []byte(got)
		} else if got != string(answer.Data) {
			t.Errorf("%s\n--- got\n%s--- want\n%s", request.Name, got, answer.Data)
		}
	}
}

// exchange sends a request and shows the answer.
func exchange(h http.Handler, operation, body string) string {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260801/us-east-1/logs/aws4_request, "+
		"SignedHeaders=host, Signature=0f")
	r.Header.Set("X-Amz-Date", "20260801T120000Z")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return fmt.Sprintln(w.Code, w.Header().Get("Content-Type")) + fmt.Sprintln(w.Body)
}
