package iam_test

import (
	"bufio"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/millrace/millrace/aws/iam"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
	"github.com/millrace/millrace/store/disk"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata instead of comparing; read the difference before keeping it")

// newHouse opens a room in memory with its door behind the dispatcher.
func newHouse(t testing.TB) http.Handler {
	t.Helper()
	engine, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
	identities, err := identity.New(t.Context(), identity.Config{Store: engine, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return protocol.NewHandler(protocol.Config{Log: slog.New(slog.DiscardHandler), Account: "111111111111", Region: "us-east-1"}, iam.New(identities))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own. Each pair of sections is a request and its answer;
// the mark says where the answer is known from: AWS (recorded or documented), PEER (another implementation that
// observed AWS), OPEN (AWS is unknown here, or we differ on purpose).
//
// A request is an operation and its parameters, a line each. ALLOW and TRUST in a value stand for policies. Ids are named in the
// order of their first appearance.
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
	if len(archive.Files)%2 != 0 {
		archive.Files = append(archive.Files, txtar.File{Name: "answer"})
	}
	h, ids := newHouse(t), []string(nil)
	for i := 0; i+1 < len(archive.Files); i += 2 {
		request, answer := archive.Files[i], &archive.Files[i+1]
		if answer.Name != "answer" || !mark.MatchString(request.Name) {
			t.Fatalf("section %q wants a mark and an answer", request.Name)
		}
		asked := string(request.Data)
		for j, id := range ids {
			asked = strings.ReplaceAll(asked, fmt.Sprintf("ID-%d.", j+1), id)
		}
		got := requestID.ReplaceAllString(exchange(t, h, asked), "<RequestId>ID</RequestId>")
		got = secrets.ReplaceAllString(got, "<SecretAccessKey>SECRET</SecretAccessKey>")
		got = identifiers.ReplaceAllStringFunc(got, func(id string) string {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			return fmt.Sprintf("ID-%d.", slices.Index(ids, id)+1)
		})
		if *rewrite {
			answer.Data = []byte(got)
		} else if got != string(answer.Data) {
			t.Errorf("%s\n--- got\n%s--- want\n%s", request.Name, got, answer.Data)
		}
	}
}

var (
	identifiers = regexp.MustCompile(`\b(AKIA[A-Z2-7]{16}|(AIDA|AROA|AGPA|ANPA)[A-Z2-7]{17})\b`)
	requestID   = regexp.MustCompile(`<RequestId>[^<]*</RequestId>`)
	secrets     = regexp.MustCompile(`<SecretAccessKey>[^<]*</SecretAccessKey>`)
)

const (
	allow = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kinesis:Get*","Resource":"*"}}`
	trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
)

// exchange sends a request and shows the answer.
func exchange(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	operation, rest, _ := strings.Cut(request, "\n")
	form := url.Values{"Action": {operation}, "Version": {"2010-05-08"}}
	for line := range strings.Lines(rest) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			t.Fatalf("no parameter: %q", line)
		}
		form.Set(name, strings.NewReplacer("ALLOW", allow, "TRUST", trust).Replace(value))
	}
	body := form.Encode()
	raw := "POST / HTTP/1.1\r\nHost: 127.0.0.1:4566\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0f\r\n" +
		fmt.Sprintf("X-Amz-Date: 20260101T000000Z\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return fmt.Sprintf("%d %s\n%s\n", w.Code, w.Header().Get("Content-Type"), w.Body)
}
