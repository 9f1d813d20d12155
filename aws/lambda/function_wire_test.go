package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/store/disk/disktest"
)

// executor runs functions without processes: what a function does is its handler's name.
type executor struct{}

func (executor) Check(_ context.Context, spec function.Spec) error {
	if spec.Function.Runtime == "java21" {
		return &function.RuntimeMissingError{Runtime: "java21", Missing: "there is no Java."}
	}
	return nil
}

func (executor) Elsewhere(function.Function) bool { return false }

func (executor) Start(_ context.Context, spec function.Spec) (function.Instance, error) {
	if spec.Function.Handler == "crash" {
		return nil, &function.InitError{ErrorType: function.ErrorExit, Message: "Runtime exited with error: exit status 1", Duration: time.Second}
	}
	return instance{spec, make(chan struct{})}, nil
}

type instance struct {
	spec function.Spec
	done chan struct{}
}

func (i instance) Invoke(_ context.Context, r function.Request) (function.Response, error) {
	r.Settled()
	out := function.Response{Duration: 1500 * time.Microsecond, MaxMemoryMB: 12}
	switch i.spec.Function.Handler {
	case "fail":
		out.Payload, out.ErrorType = []byte(`{"errorMessage":"no","errorType":"Exception"}`), "Runtime.Unknown"
	case "timeout":
		out.ErrorType, out.Message = function.ErrorTimeout, "Task timed out after 3.00 seconds"
	case "null":
		out.Payload = []byte("null")
	case "url":
		out.Payload = []byte(`{"statusCode":201,"headers":{"X-A":1,"content-type":"text/plain"},"cookies":["a=1","b=2"],"body":"aGk=","isBase64Encoded":true}`)
	case "text":
		out.Payload = []byte(`"hello"`)
	case "page":
		if r.Stream != nil {
			r.Began("application/vnd.awslambda.http-integration-response")
			for _, part := range []string{`{"statusCode":203,"headers":{"X-A":"b"},`, `"cookies":["c=1"]}` + "\x00\x00\x00", "\x00\x00\x00\x00\x00Hello,", " world"} {
				r.Stream <- []byte(part)
			}
		}
	case "stream", "stream-then-fail":
		if r.Stream == nil {
			out.Payload = []byte("one two")
			break
		}
		for _, part := range []string{"one ", "two"} {
			r.Stream <- []byte(part)
		}
		if i.spec.Function.Handler != "stream" {
			out.Payload, out.ErrorType = []byte(`{"errorMessage":"late","errorType":"Exception"}`), "Runtime.Unknown"
		}
	case "context":
		out.Payload = []byte(r.ClientContext)
	default:
		i.spec.Log.WriteLine([]byte("echoing"))
		out.Payload = slices.Clone(r.Payload)
	}
	return out, nil
}

func (i instance) Done() <-chan struct{} { return i.done }
func (i instance) Close()                {}

// shelf holds the objects of a bucket named bucket.
type shelf map[string][]byte

func (s shelf) Read(_ context.Context, _, bucket, key string, limit int64) ([]byte, error) {
	object, there := s[bucket+"/"+key]
	switch {
	case bucket == "forbidden":
		return nil, lambda.ErrObjectForbidden
	case bucket != "bucket":
		return nil, lambda.ErrNoBucket
	case !there:
		return nil, lambda.ErrNoObject
	case int64(len(object)) > limit:
		return nil, function.ErrCodeTooLarge
	}
	return object, nil
}

// house is the room of functions with its door behind the dispatcher.
type house struct {
	functions *function.Service
	door      *lambda.Door
	http.Handler
}

// open opens a house in memory and runs it until stop is called.
func open(t testing.TB, change func(*function.Config)) (h *house, stop func()) {
	t.Helper()
	engine := disktest.Memory(t)
	c := function.Config{
		Store: engine, Clock: clockwork.NewRealClock(), Log: slog.New(slog.DiscardHandler), Executor: executor{},
		CodeDir: filepath.Join(t.TempDir(), "code"),
	}
	change(&c)
	functions, err := function.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- functions.Run(ctx) }()
	door := lambda.New(functions, nil, c.Clock)
	door.Objects = shelf{"bucket/key": zipped(t, "one"), "bucket/other": zipped(t, "two"), "bucket/large": make([]byte, function.MaxZippedBytes+1)}
	config := protocol.Config{Log: c.Log, Account: "123456789012", Region: "eu-west-1"}
	return &house{functions, door, protocol.NewHandler(config, door.Service(), door.URLService())}, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestFunctionWire plays testdata/functions/*.txt: a story each, in a house of its own and in virtual time, which begins
// with the year 2000. Transitions take ten seconds. A request is method and path, headers, and the body after an empty line.
// ZIP(x) stands for an archive, REPEAT(n) for as many letters; revision ids, markers and ids of requests have names.
func TestFunctionWire(t *testing.T) {
	wiretest.Run(t, "testdata/functions/*.txt", func(t *testing.T, s *wiretest.Story) {
		synctest.Test(t, func(t *testing.T) {
			h, stop := open(t, func(c *function.Config) { c.TransitionDelay, c.Random = 10*time.Second, func() float64 { return 0.5 } })
			defer stop()
			masks := wiretest.Masks{
				wiretest.NewMask("REVISION-%d", revisions), wiretest.NewMask("MARKER-%d", markers), wiretest.NewMask("ID-%d", ids),
			}
			s.Play(t, wiretest.Sleep, func(request string) string {
				return shortened(masks.Hide(exchange(t, h, masks.Show(request))))
			})
		})
	})
}

// What no listing has given out is refused by all, also when it is base64. That of mappings is in testdata/mappings.
func TestMarkersThatAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := open(t, func(*function.Config) {})
		defer stop()
		create(t, h, "f")
		for _, path := range []string{
			"/2015-03-31/functions/?", "/2015-03-31/functions/?FunctionVersion=ALL&",
			"/2015-03-31/functions/f/versions?", "/2015-03-31/functions/f/aliases?", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL&",
			"/2019-09-25/functions/f/event-invoke-config/list?", "/2018-10-31/layers?", "/2018-10-31/layers/l/versions?", "/2021-10-31/functions/f/urls?",
		} {
			if got := exchange(t, h, "GET "+path+"Marker="); !strings.HasPrefix(got, "200\n") {
				t.Errorf("%s: %s", path, got)
			}
			for _, none := range []string{"zzz", "Zg", "YWZ0ZXI6eB", "!"} { // of base64, one that says f, and one with bits that no marker has
				want := "400\nx-amzn-ErrorType: InvalidParameterValueException\n" + `{"Type":"User","message":"Invalid Marker: ` + none + `"}` + "\n"
				if got := exchange(t, h, "GET "+path+"Marker="+none); got != want {
					t.Errorf("%s%s: %s", path, none, got)
				}
			}
		}
	})
}

const scope wiretest.Scope = "20000101/eu-west-1/lambda"

// exchange sends a request and shows the answer: the status, the headers that matter, and the body if there is one.
func exchange(t *testing.T, h http.Handler, text string) string {
	t.Helper()
	head, body, _ := strings.Cut(strings.TrimSuffix(spelled(t, text), "\n"), "\n\n")
	lines := strings.Split(head, "\n")
	method, target, ok := strings.Cut(lines[0], " ")
	if !ok {
		t.Fatalf("request line %q", lines[0])
	}
	r := httptest.NewRequest(method, "http://localhost:4566"+target, strings.NewReader(body))
	scope.Sign(r)
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := wiretest.Serve(h, r)
	out := fmt.Sprintln(w.Code)
	for _, name := range []string{"x-amzn-ErrorType", "X-Amz-Executed-Version", "X-Amz-Function-Error", "X-Amz-Log-Result"} {
		for sent, values := range w.Header() {
			if !strings.EqualFold(sent, name) {
				continue
			}
			if name == "X-Amz-Log-Result" {
				values = []string{readable(t, values[0])}
			}
			out += name + ": " + strings.Join(values, ", ") + "\n"
		}
	}
	return out + wiretest.Body(w)
}

// create makes a function.
func create(t *testing.T, h http.Handler, name string) {
	t.Helper()
	answer := exchange(t, h, "POST /2015-03-31/functions\n\n"+
		`{"FunctionName":"`+name+`","Runtime":"python3.12","Handler":"main.echo","Role":"arn:aws:iam::123456789012:role/r","Code":{"ZipFile":"ZIP(`+name+`)"}}`)
	if !strings.HasPrefix(answer, "201") {
		t.Fatal(answer)
	}
}

// readable decodes a log's tail; its lines and tabs are written as in Go.
func readable(t *testing.T, tail string) string {
	t.Helper()
	log, err := base64.StdEncoding.DecodeString(tail)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(string(log))
}

var (
	revisions  = regexp.MustCompile(`RevisionId":"([^"]+)`)
	markers    = regexp.MustCompile(`NextMarker":"([^"]+)`)
	ids        = regexp.MustCompile(`RequestId: ([0-9a-f-]{36})`)
	signatures = regexp.MustCompile(`signature=[0-9a-f]{64}`)
	stamps     = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [0-9a-f-]{36}`)
	zips       = regexp.MustCompile(`ZIP\((.*?)\)`)
	letters    = regexp.MustCompile(`x{60,}`)
	repeats    = regexp.MustCompile(`REPEAT\((\d+)\)`)
	urls       = regexp.MustCompile(`[a-z2-7]{32}\.lambda-url`)
)

// shortened leaves out of an answer what is long or differs from run to run.
func shortened(answer string) string {
	answer = stamps.ReplaceAllString(answer, "STAMP ID")
	if strings.Contains(answer, ".lambda-url") { // the pattern is slow, and some answers are large
		answer = urls.ReplaceAllString(answer, "URL.lambda-url")
	}
	answer = letters.ReplaceAllStringFunc(answer, func(found string) string { return fmt.Sprintf("REPEAT(%d)", len(found)) })
	return signatures.ReplaceAllString(answer, "signature=SIGNATURE")
}

// spelled writes out what a request has in short.
func spelled(t *testing.T, request string) string {
	t.Helper()
	request = repeats.ReplaceAllStringFunc(request, func(found string) string {
		var n int
		if _, err := fmt.Sscanf(found, "REPEAT(%d)", &n); err != nil {
			t.Fatal(err)
		}
		return strings.Repeat("x", n)
	})
	return zips.ReplaceAllStringFunc(request, func(found string) string {
		return base64.StdEncoding.EncodeToString(zipped(t, zips.FindStringSubmatch(found)[1]))
	})
}

// zipped is an archive with one file of the given content; it is always the same for the same content.
func zipped(t testing.TB, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "main.py", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
