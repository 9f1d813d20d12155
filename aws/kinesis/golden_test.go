package kinesis_test

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/stream"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata instead of comparing; read the difference before keeping it")

// house is a room with its door behind the dispatcher.
type house struct {
	streams *stream.Service
	http.Handler
}

// newHouse opens a house in memory and runs it until stop is called.
func newHouse(t testing.TB, c stream.Config) (h *house, stop func()) {
	t.Helper()
	engine, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
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
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestWire plays testdata/*.txt: a story each, in a house of its own and in virtual time, which begins with the year
// 2000. Streams take ten seconds from state to state, and an account may have 60 shards. Each pair of sections is a
// request (the operation, then the document) and its answer; the mark says where the answer is known from: AWS
// (recorded or documented), PEER (another implementation that observed AWS), OPEN (AWS is unknown here, or we differ
// on purpose).
//
// An operation followed by "in CBOR" is asked in that encoding, and its answer is shown in diagnostic notation.
//
// A section named "after 30s: …" lets time pass first. Iterators and tokens are named in the order of their first
// appearance. SubscribeToShard is answered with what comes at once; the request "Events 1" shows what has come since from
// the first subscription of the story. BYTES(n) in a request stands for a payload of n bytes. A story that says "With shard
// limits." has them.
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
			synctest.Test(t, func(t *testing.T) { play(t, archive) })
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
	h, stop := storyHouse(t, archive)
	defer stop()
	watched := watch(t, h)
	defer watched.leave()
	names := new(names)
	for i := 0; i+1 < len(archive.Files); i += 2 {
		request, answer := archive.Files[i], &archive.Files[i+1]
		if answer.Name != "answer" || !mark.MatchString(request.Name) {
			t.Fatalf("section %q wants a mark and an answer", request.Name)
		}
		pause(t, request.Name)
		operation, document, _ := strings.Cut(names.show(string(request.Data)), "\n")
		got := names.hide(watched.exchange(operation, document))
		if *rewrite {
			answer.Data = []byte(got)
		} else if got != string(answer.Data) {
			t.Errorf("%s\n--- got\n%s--- want\n%s", request.Name, got, answer.Data)
		}
	}
}

// storyHouse is the house that a story plays in.
func storyHouse(t *testing.T, archive *txtar.Archive) (*house, func()) {
	t.Helper()
	limited := strings.Contains(string(archive.Comment), "With shard limits.")
	return newHouse(t, stream.Config{TransitionDelay: 10 * time.Second, ShardLimit: 60, ShardLimits: limited})
}

var payloads = regexp.MustCompile(`BYTES\((\d+)\)`)

// payload writes the payload that BYTES(n) stands for.
func payload(text string) string {
	n, _ := strconv.Atoi(payloads.FindStringSubmatch(text)[1])
	return base64.StdEncoding.EncodeToString(make([]byte, n))
}

// pause lets the time pass that the name of a section asks for.
func pause(t *testing.T, name string) {
	t.Helper()
	found := after.FindStringSubmatch(name)
	if found == nil {
		return
	}
	d, err := time.ParseDuration(found[1])
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(d)
	synctest.Wait()
}

// exchange sends a request and shows the answer: the status, and the body if there is one.
func exchange(h http.Handler, operation, document string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, newRequest(operation, document))
	text := fmt.Sprintln(w.Code)
	if w.Body.Len() > 0 {
		text += w.Body.String() + "\n"
	}
	return text
}

func newRequest(operation, document string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.TrimRight(document, "\n")))
	r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Date", "20000101T000000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20000101/eu-west-1/kinesis/aws4_request, SignedHeaders=host, Signature=0f")
	return r
}

// names gives iterators and tokens, which no two runs have in common, a name.
type names struct{ iterators, tokens []string }

var (
	iterators = regexp.MustCompile(`(ShardIterator": ?")([^"]+)`)
	tokens    = regexp.MustCompile(`(NextToken": ?")([^"]+)`)
)

func (n *names) hide(answer string) string {
	answer = hide(answer, iterators, &n.iterators, "ITERATOR")
	return hide(answer, tokens, &n.tokens, "TOKEN")
}

func hide(answer string, pattern *regexp.Regexp, all *[]string, kind string) string {
	return pattern.ReplaceAllStringFunc(answer, func(found string) string {
		parts := pattern.FindStringSubmatch(found)
		i := slices.Index(*all, parts[2])
		if i < 0 {
			i = len(*all)
			*all = append(*all, parts[2])
		}
		return fmt.Sprintf("%s%s-%d", parts[1], kind, i+1)
	})
}

func (n *names) show(request string) string {
	request = payloads.ReplaceAllStringFunc(request, payload)
	for i, s := range slices.Backward(n.iterators) {
		request = strings.ReplaceAll(request, fmt.Sprintf("ITERATOR-%d", i+1), s)
	}
	for i, s := range slices.Backward(n.tokens) {
		request = strings.ReplaceAll(request, fmt.Sprintf("TOKEN-%d", i+1), s)
	}
	return request
}
