package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/millrace/millrace/function"
)

// lines is a function.LogWriter.
type lines struct {
	function.LogWriter
	strings.Builder
}

func (l *lines) WriteLine(line []byte) { l.WriteString(string(line) + "\n") }

// elsewhere has a function at a handler and invokes it once.
func elsewhere(t *testing.T, path string, h http.HandlerFunc) (function.Response, error) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	return invoke(t, New(Config{}), server.URL+path, time.Minute)
}

func invoke(t *testing.T, e *Executor, url string, timeout time.Duration) (function.Response, error) {
	t.Helper()
	spec := function.Spec{Log: &lines{}, Function: function.Function{Timeout: timeout, Environment: map[string]string{Variable: url}}}
	if err := e.Check(t.Context(), spec); err != nil {
		return function.Response{}, err
	}
	i, err := e.Start(t.Context(), spec)
	if err != nil {
		return function.Response{}, err
	}
	settled := 0
	response, err := i.Invoke(t.Context(), function.Request{
		ID: "the-id", FunctionARN: "arn:f", TraceID: "Root=1", ClientContext: `{"a":1}`, Payload: []byte(`{"n":1}`), Settled: func() { settled++ },
	})
	if settled != 1 {
		t.Errorf("settled %d times", settled)
	}
	i.Close()
	i.Close()
	return response, err
}

func TestEndpoint(t *testing.T) {
	response, err := elsewhere(t, "/handle?a=b", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := r.Header
		if r.Method != "POST" || r.URL.RequestURI() != "/handle?a=b" || string(body) != `{"n":1}` || h.Get("Content-Type") != "application/json" ||
			h.Get("Lambda-Runtime-Aws-Request-Id") != "the-id" || h.Get("Lambda-Runtime-Invoked-Function-Arn") != "arn:f" ||
			len(h.Get("Lambda-Runtime-Deadline-Ms")) != 13 || h.Get("X-Amzn-Trace-Id") != "Root=1" || h.Get("X-Amz-Client-Context") != "eyJhIjoxfQ==" ||
			h.Get("Authorization") != "" {
			t.Errorf("%s %s %s %v", r.Method, r.URL, body, h)
		}
		_, _ = io.WriteString(w, `{"batchItemFailures":[]}`)
	})
	if err != nil || response.ErrorType != "" || string(response.Payload) != `{"batchItemFailures":[]}` {
		t.Errorf("%+v %v", response, err)
	}
}

func TestAnswers(t *testing.T) {
	const invocations = "/2015-03-31/functions/function/invocations"
	cases := []struct {
		name, path string
		status     int
		header     string
		body       string
		errorType  string
		payload    string
		err        string
	}{
		{"nothing", "/", 204, "", "", "", "", ""},
		{"a refusal", "/", 400, "", "no\n", "Function.HTTPStatus", `/: 400 Bad Request: no"}`, ""},
		{"a crash", "/", 500, "", "", "Function.HTTPStatus", `/: 500 Internal Server Error"}`, ""},
		{"a way elsewhere", "/", 307, "", "", "Function.HTTPStatus", `/: 307 Temporary Redirect"}`, ""},
		{"an error header that means nothing there", "/", 200, "Unhandled", "1", "", "1", ""},
		{"not there", "/", 503, "", "", "", "", "503 Service Unavailable"},
		{"too many", "/", 429, "", "", "", "", "throttled"},
		{"too long", "/", 200, "", strings.Repeat("x", maxResponse+1), "Function.ResponseSizeTooLarge", "6291556", ""},
		{"an error of another Lambda", invocations, 200, "Unhandled", `{"errorType":"Runtime.ExitError"}`, "Runtime.ExitError", `{"errorType":"Runtime.ExitError"}`, ""},
		{"an error of a function there", invocations, 200, "Unhandled", `{"errorType":"ValueError"}`, "Function.Unknown", `{"errorType":"ValueError"}`, ""},
		{"no such function there", invocations, 404, "", `{"Message":"not found"}`, "", "", "not found"},
		{"a response of another Lambda", invocations, 200, "", `"ok"`, "", `"ok"`, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			response, err := elsewhere(t, c.path, func(w http.ResponseWriter, _ *http.Request) {
				if c.header != "" {
					w.Header().Set(functionError, c.header)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%+v %v", response, err)
				}
				var throttled *function.ThrottledError
				if errors.As(err, &throttled) != (c.status == 429) {
					t.Errorf("throttled: %v", err)
				}
				return
			}
			if err != nil || response.ErrorType != c.errorType || !strings.HasSuffix(string(response.Payload), c.payload) && c.payload != "6291556" ||
				!strings.Contains(string(response.Payload), c.payload) {
				t.Errorf("%.200q %q %v", response.Payload, response.ErrorType, err)
			}
		})
	}
}

// A function that does not answer in time is as one that runs too long here; one that is not there was not invoked.
func TestNoAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client go
		<-r.Context().Done()
	}))
	response, err := invoke(t, New(Config{}), server.URL, 50*time.Millisecond)
	if err != nil || response.ErrorType != function.ErrorTimeout || response.Message != "Task timed out after 0.05 seconds" {
		t.Errorf("%+v %v", response, err)
	}
	server.Close()
	if response, err := invoke(t, New(Config{}), server.URL, time.Minute); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v %v", response, err)
	}
}

// An instance that is closed gives up its invocation.
func TestClose(t *testing.T) {
	begun := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(begun)
		<-r.Context().Done()
	}))
	defer server.Close()
	i, err := New(Config{}).Start(t.Context(), function.Spec{
		Log: &lines{}, Function: function.Function{Timeout: time.Minute, Environment: map[string]string{Variable: server.URL}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := i.Invoke(t.Context(), function.Request{Settled: func() {}})
		ended <- err
	}()
	<-begun
	i.Close()
	if err := <-ended; !errors.Is(err, errClosed) {
		t.Error(err)
	}
	<-i.Done()
}

func TestTargets(t *testing.T) {
	cases := map[string]string{
		"ftp://host/":    "must begin with http",
		"localhost:9000": "must begin with http",
		"http://":        "must begin with http",
		"http://[::1":    "no URL",
		"https://lambda.eu-west-1.amazonaws.com/":                                   "/2015-03-31/functions/NAME/invocations",
		"http://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations":  "must be https",
		"https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations": "--remote-credentials",
		"http://localhost:9000/2015-03-31/functions/function/invocations":           "",
		"https://example.org": "",
	}
	for url, want := range cases {
		err := New(Config{}).Check(t.Context(), function.Spec{Function: function.Function{Environment: map[string]string{Variable: url}}})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// What goes to AWS is signed for the region that its host names.
func TestSigned(t *testing.T) {
	e := New(Config{Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")})
	e.client.Transport = sender(func(r *http.Request) (*http.Response, error) {
		if got := r.Header.Get("Authorization"); !strings.Contains(got, "Credential=AKID/") || !strings.Contains(got, "/eu-west-1/lambda/aws4_request") {
			t.Errorf("authorization: %q", got)
		}
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("1"))}, nil
	})
	response, err := invoke(t, e, "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations", time.Minute)
	if err != nil || string(response.Payload) != "1" {
		t.Errorf("%+v %v", response, err)
	}
}

type sender func(*http.Request) (*http.Response, error)

func (s sender) RoundTrip(r *http.Request) (*http.Response, error) { return s(r) }

// here stands for the executor of processes.
type here struct{ function.Executor }

var errHere = errors.New("here")

func (here) Check(context.Context, function.Spec) error { return errHere }

func (here) Elsewhere(function.Function) bool { return false }

func (here) Start(context.Context, function.Spec) (function.Instance, error) { return nil, errHere }

func TestFunctionsHere(t *testing.T) {
	e := New(Config{Here: here{}})
	if e.Elsewhere(function.Function{}) || !e.Elsewhere(function.Function{Environment: map[string]string{Variable: "http://far"}}) {
		t.Error("a function is where it is not")
	}
	if err := e.Check(t.Context(), function.Spec{}); !errors.Is(err, errHere) {
		t.Error(err)
	}
	if _, err := e.Start(t.Context(), function.Spec{}); !errors.Is(err, errHere) {
		t.Error(err)
	}
}
