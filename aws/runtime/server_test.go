package runtime_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/aws/runtime"
)

// conversation is a server and a runtime that talks to it.
type conversation struct {
	t      *testing.T
	server *runtime.Server
	client *http.Client
	// settled is closed when the invocation that begin offered last is settled.
	settled chan struct{}
}

func converse(t *testing.T, extensions ...string) *conversation {
	t.Helper()
	return converseWith(t, runtime.Function{
		Name: "f", Version: "$LATEST", Handler: "main.handler", AccountID: "123456789012", Extensions: extensions,
	})
}

func converseWith(t *testing.T, f runtime.Function) *conversation {
	t.Helper()
	server, err := runtime.Listen(slog.New(slog.DiscardHandler), f)
	if err != nil {
		t.Fatal(err)
	}
	server.Serve(nil)
	transport := &http.Transport{}
	t.Cleanup(server.Close)
	t.Cleanup(transport.CloseIdleConnections)
	return &conversation{t: t, server: server, client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

func (c *conversation) do(method, path, body string, header ...string) (*http.Response, string) {
	c.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/2018-06-01/" + path
	}
	r, err := http.NewRequest(method, "http://"+c.server.Address()+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return c.send(r)
}

func (c *conversation) send(r *http.Request) (*http.Response, string) {
	c.t.Helper()
	answer, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer, string(got)
}

// expect sends a request and compares status and body of the answer.
func (c *conversation) expect(method, path, body string, status int, want string, header ...string) {
	c.t.Helper()
	answer, got := c.do(method, path, body, header...)
	if answer.StatusCode != status || strings.TrimSpace(got) != want {
		c.t.Errorf("%s %s: %d %s, want %d %s", method, path, answer.StatusCode, got, status, want)
	}
}

func (c *conversation) begin(id, payload string) <-chan runtime.Outcome {
	c.t.Helper()
	settled := make(chan struct{})
	c.settled = settled
	outcome, err := c.server.Begin(runtime.Invocation{
		RequestID: id, Payload: []byte(payload), Deadline: time.UnixMilli(1700000000123), Settled: func() { close(settled) },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return outcome
}

const (
	ok        = `{"status":"OK"}`
	invalidID = `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`
)

func TestInvocationGoesOutWithItsHeaders(t *testing.T) {
	c := converse(t)
	if _, err := c.server.Begin(runtime.Invocation{
		RequestID: "id-1", FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:f", TraceID: "Root=1",
		ClientContext: `{"custom":{}}`, Deadline: time.UnixMilli(1700000000123), Payload: []byte(`{"a":1}`),
	}); err != nil {
		t.Fatal(err)
	}
	answer, body := c.do("GET", "runtime/invocation/next", "")
	if body != `{"a":1}` || answer.StatusCode != 200 {
		t.Errorf("next: %d %s", answer.StatusCode, body)
	}
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id":       "id-1",
		"Lambda-Runtime-Deadline-Ms":          "1700000000123",
		"Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
		"Lambda-Runtime-Trace-Id":             "Root=1",
		"Lambda-Runtime-Client-Context":       `{"custom":{}}`,
		"Content-Type":                        "application/json",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if !c.server.Taken() {
		t.Error("the invocation is not marked as taken")
	}
}

func TestAnswersAreTakenOnce(t *testing.T) {
	c := converse(t)
	outcome := c.begin("id-1", "{}")
	c.do("GET", "runtime/invocation/next", "")
	c.expect("POST", "runtime/invocation/other/response", "1", 400, invalidID)
	c.expect("POST", "runtime/invocation/id-1/response", `"yes"`, 202, ok)
	c.expect("POST", "runtime/invocation/id-1/response", `"again"`, 400, invalidID)
	c.expect("POST", "runtime/invocation/id-1/error", `{}`, 400, invalidID)
	got := <-outcome
	if string(got.Payload) != `"yes"` || got.Failed {
		t.Errorf("outcome %s, %+v", got.Payload, got)
	}
	if _, err := c.server.Begin(runtime.Invocation{RequestID: "id-2"}); err != runtime.ErrBusy {
		t.Errorf("begin before the runtime asked again: %v", err)
	}
}

func TestErrorsKeepTheirDocument(t *testing.T) {
	tests := []struct{ header, wantType string }{
		{"Runtime.ImportModuleError", "Runtime.ImportModuleError"},
		{"Function.Mine", "Function.Mine"},
		{"Function.", "Function.Unknown"},
		{"ValueError", "Runtime.Unknown"},
		{"", "Runtime.Unknown"},
	}
	for _, test := range tests {
		c := converse(t)
		outcome := c.begin("id", "{}")
		c.do("GET", "runtime/invocation/next", "")
		c.expect("POST", "runtime/invocation/id/error", `{"errorType":"E" }`, 202, ok, "Lambda-Runtime-Function-Error-Type", test.header)
		got := <-outcome
		if !got.Failed || got.ErrorType != test.wantType || string(got.Payload) != `{"errorType":"E" }` {
			t.Errorf("%q: %+v %s", test.header, got, got.Payload)
		}
	}
}

func TestErrorWithCauseIsUnwrapped(t *testing.T) {
	c := converse(t)
	outcome := c.begin("id", "{}")
	c.do("GET", "runtime/invocation/next", "")
	c.expect("POST", "runtime/invocation/id/error", `{"errorMessage":"m","errorType":"t","stackTrace":["s"],"causeJson":{}}`,
		202, ok, "Content-Type", "application/vnd.aws.lambda.error.cause+json")
	if got := <-outcome; string(got.Payload) != `{"errorMessage":"m","errorType":"t","stackTrace":["s"]}` {
		t.Errorf("payload %s", got.Payload)
	}
}

func TestAskingAgain(t *testing.T) {
	c := converse(t)
	outcome := c.begin("id", "1")
	for range 2 { // without an answer, the same invocation comes again
		if _, body := c.do("GET", "runtime/invocation/next", ""); body != "1" {
			t.Errorf("next: %s", body)
		}
	}
	c.expect("POST", "runtime/invocation/id/response", "2", 202, ok)
	<-outcome
	select {
	case <-c.settled:
		t.Fatal("settled before the runtime asked for the next invocation")
	default:
	}
	asked := make(chan string)
	go func() {
		_, body := c.do("GET", "runtime/invocation/next", "")
		asked <- body
	}()
	<-c.settled
	c.begin("id-2", "3")
	if body := <-asked; body != "3" {
		t.Errorf("next: %s", body)
	}
}

func TestInitError(t *testing.T) {
	c := converse(t)
	c.expect("POST", "runtime/init/error", `{"errorType":"X"}`, 202, ok, "Lambda-Runtime-Function-Error-Type", "Runtime.HandlerNotFound")
	got := <-c.server.InitFailed()
	if got.ErrorType != "Runtime.HandlerNotFound" || string(got.Payload) != `{"errorType":"X"}` {
		t.Errorf("%+v %s", got, got.Payload)
	}
	transition := func(from, to string) string {
		return fmt.Sprintf(`{"errorMessage":"State transition from %s to %s failed for runtime. `+
			`Error: State transition is not allowed","errorType":"InvalidStateTransition"}`, from, to)
	}
	c.expect("GET", "runtime/invocation/next", "", 403, transition("InitError", "Ready"))
	c.expect("POST", "runtime/init/error", "{}", 403, transition("InitError", "InitError"))

	c = converse(t)
	c.begin("id", "{}")
	c.do("GET", "runtime/invocation/next", "")
	c.expect("POST", "runtime/init/error", "{}", 403, transition("Running", "InitError"))
}

func TestSizes(t *testing.T) {
	const refused = `{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}`
	for _, chunked := range []bool{false, true} {
		for size, status := range map[int]int{runtime.MaxResponseBytes: 202, runtime.MaxResponseBytes + 1: 413, 3 * runtime.MaxResponseBytes: 413} {
			c := converse(t)
			outcome := c.begin("id", "{}")
			c.do("GET", "runtime/invocation/next", "")
			var body io.Reader = bytes.NewReader(make([]byte, size))
			if chunked {
				body = io.MultiReader(body)
			}
			r, err := http.NewRequest("POST", "http://"+c.server.Address()+"/2018-06-01/runtime/invocation/id/response", body)
			if err != nil {
				t.Fatal(err)
			}
			answer, text := c.send(r)
			got := <-outcome
			if answer.StatusCode != status {
				t.Errorf("%d bytes, chunked %v: %d %s", size, chunked, answer.StatusCode, text)
			}
			if status == 202 {
				if got.Failed || len(got.Payload) != size {
					t.Errorf("%d bytes: %d arrived, failed %v", size, len(got.Payload), got.Failed)
				}
				continue
			}
			want := `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`
			if strings.TrimSpace(text) != refused || string(got.Payload) != want || !got.Failed {
				t.Errorf("%d bytes: %s / %s", size, text, got.Payload)
			}
			// The environment stays usable.
			asked := make(chan string)
			go func() {
				_, body := c.do("GET", "runtime/invocation/next", "")
				asked <- body
			}()
			<-c.settled
			c.begin("id-2", "next")
			if got := <-asked; got != "next" {
				t.Errorf("%d bytes: then %s", size, got)
			}
		}
	}
}

func TestTrailersReportALateError(t *testing.T) {
	c := converse(t)
	outcome := c.begin("id", "{}")
	c.do("GET", "runtime/invocation/next", "")
	r, err := http.NewRequest("POST", "http://"+c.server.Address()+"/2018-06-01/runtime/invocation/id/response", io.MultiReader(strings.NewReader("part")))
	if err != nil {
		t.Fatal(err)
	}
	r.Trailer = http.Header{
		"Lambda-Runtime-Function-Error-Type": {"Function.Late"},
		"Lambda-Runtime-Function-Error-Body": {base64.StdEncoding.EncodeToString([]byte(`{"errorType":"Late"}`))},
	}
	c.send(r)
	if got := <-outcome; !got.Failed || got.ErrorType != "Function.Late" || string(got.Payload) != `{"errorType":"Late"}` {
		t.Errorf("%+v %s", got, got.Payload)
	}
}

func TestResponseModes(t *testing.T) {
	c := converse(t)
	c.begin("id", "{}")
	c.do("GET", "runtime/invocation/next", "")
	c.expect("POST", "runtime/invocation/id/response", "1", 202, ok, "Lambda-Runtime-Function-Response-Mode", "streaming")

	c = converse(t)
	outcome := c.begin("id", "{}")
	c.do("GET", "runtime/invocation/next", "")
	c.expect("POST", "runtime/invocation/id/response", "1", 400,
		`{"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}`, "Lambda-Runtime-Function-Response-Mode", "buffered")
	if got := <-outcome; !got.Failed || got.ErrorType != "Runtime.InvalidResponseModeHeader" {
		t.Errorf("%+v", got)
	}
}

func TestOtherPaths(t *testing.T) {
	c := converse(t)
	c.expect("GET", "ping", "", 200, "pong")
	for _, path := range []string{
		"runtime/restore/next", "runtime/restore/error", "runtime/invocation/x", "runtime/invocation/x/y", "", "credentials",
		"/2021-04-23/credentials", "/2020-01-01/extension/", "/2020-01-01/extension/other",
	} {
		c.expect("GET", path, "", 404, "404 page not found")
	}
	c.expect("POST", "runtime/invocation/next", "", 405, "")
	c.expect("GET", "runtime/invocation/x/response", "", 405, "")
}

// A response that is cut short is no answer: the one that follows counts.
func TestTruncatedResponse(t *testing.T) {
	c := converse(t)
	outcome := c.begin("id", "{}")
	c.do("GET", "runtime/invocation/next", "")
	conn, err := net.Dial("tcp", c.server.Address())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if !bytes.Contains(answer, []byte("TruncatedHTTPRequest")) {
		t.Errorf("answer %s", answer)
	}
	c.expect("POST", "runtime/invocation/id/response", "whole", 202, ok)
	if got := <-outcome; string(got.Payload) != "whole" {
		t.Errorf("outcome %s", got.Payload)
	}
}

// While one answer is being read, another is out of turn.
func TestTwoAnswersAtOnce(t *testing.T) {
	c := converse(t)
	outcome := c.begin("id", "{}")
	c.do("GET", "runtime/invocation/next", "")
	conn, err := net.Dial("tcp", c.server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The server says 100 when it has begun to read the answer.
	fmt.Fprintf(conn, "POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if _, err := conn.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	const refused = `{"errorMessage":"State transition from InvocationResponse to %s failed for runtime. ` +
		`Error: State transition is not allowed","errorType":"InvalidStateTransition"}`
	c.expect("POST", "runtime/invocation/id/response", "1", 403, fmt.Sprintf(refused, "InvocationResponse"))
	c.expect("POST", "runtime/invocation/id/error", "1", 403, fmt.Sprintf(refused, "InvocationErrorResponse"))
	c.expect("POST", "runtime/invocation/other/error", "1", 400, invalidID)
	c.expect("GET", "runtime/invocation/next", "", 403,
		`{"errorMessage":"State transition from InvocationResponse to Ready failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`)
	fmt.Fprint(conn, "first")
	if got := <-outcome; string(got.Payload) != "first" {
		t.Errorf("outcome %s", got.Payload)
	}
}

// A runtime that loses its connection while it waits finds its work on the next one.
func TestLostConnectionLosesNoInvocation(t *testing.T) {
	for i := range 50 {
		c := converse(t)
		conn, err := net.Dial("tcp", c.server.Address())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
		<-c.server.Ready()
		conn.Close()
		id := fmt.Sprint("id-", i)
		asked := make(chan string)
		go func() {
			answer, _ := c.do("GET", "runtime/invocation/next", "")
			asked <- answer.Header.Get("Lambda-Runtime-Aws-Request-Id")
		}()
		outcome := c.begin(id, "{}")
		if got := <-asked; got != id {
			t.Fatalf("got invocation %q, want %q", got, id)
		}
		c.expect("POST", "runtime/invocation/"+id+"/response", "1", 202, ok)
		<-outcome
	}
}

// Who is not admitted is told nothing, and holds up nobody.
func TestAdmission(t *testing.T) {
	server, err := runtime.Listen(slog.New(slog.DiscardHandler), runtime.Function{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ping := func() (*net.TCPConn, *bufio.Reader) {
		conn, err := net.Dial("tcp", server.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		fmt.Fprintf(conn, "GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n")
		return conn.(*net.TCPConn), bufio.NewReader(conn)
	}
	refused, waits := make(map[string]bool), make(chan struct{})
	_, first := ping()
	conn, second := ping()
	refused[conn.LocalAddr().String()] = true
	conn, third := ping()
	held := conn.LocalAddr().String()
	server.Serve(func(c net.Conn) bool {
		if c.RemoteAddr().String() == held {
			<-waits
		}
		return !refused[c.RemoteAddr().String()]
	})
	if line, err := first.ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("admitted: %q %v", line, err)
	}
	if text, err := io.ReadAll(second); len(text) > 0 {
		t.Errorf("refused: %q %v", text, err)
	}
	close(waits)
	if line, err := third.ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("held up: %q %v", line, err)
	}
}

// However many connect, the server has few connections, and others have their turn when those end.
func TestManyConnections(t *testing.T) {
	c := converse(t)
	const limit = 128
	var open []net.Conn
	for range 2 * limit {
		conn, err := net.Dial("tcp", c.server.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		open = append(open, conn)
	}
	fmt.Fprintf(open[limit], "GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, conn := range open[:limit] {
		fmt.Fprintf(conn, "GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n")
		if line, err := bufio.NewReader(conn).ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
			t.Fatalf("within the limit: %q %v", line, err)
		}
	}
	if err := open[limit].SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := open[limit].Read(make([]byte, 100)); n > 0 {
		t.Errorf("beyond the limit: %v", err)
	}
	if err := open[limit].SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	open[0].Close()
	if line, err := bufio.NewReader(open[limit]).ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("when there is room: %q %v", line, err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	c := converse(t)
	var gone atomic.Int32
	for range 5 {
		conn, err := net.Dial("tcp", c.server.Address())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
			gone.Add(1)
		}()
	}
	<-c.server.Ready()
	c.server.Close()
	c.server.Close()
	if _, err := c.server.Begin(runtime.Invocation{}); err != runtime.ErrClosed {
		t.Errorf("begin after close: %v", err)
	}
	if _, err := net.Dial("tcp", c.server.Address()); err == nil {
		t.Error("the address still answers")
	}
}
