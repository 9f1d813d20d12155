package runtime_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/aws/runtime"
)

// audience is a listener for telemetry.
type audience struct {
	port  string
	heard chan string // what was posted, with the path
}

func listen(t *testing.T) *audience {
	a := &audience{heard: make(chan string, 100)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.heard <- r.Method + " " + r.Host + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
	}))
	t.Cleanup(s.Close)
	_, a.port, _ = net.SplitHostPort(s.Listener.Addr().String())
	return a
}

// soon is a subscription's buffering.
const soon = `"buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":25}`

func (e *companion) subscribe(path, schema, types, destination string) {
	e.t.Helper()
	e.expect("PUT", path, fmt.Sprintf(`{"schemaVersion":%q,"types":[%s],%s,"destination":{%s}}`, schema, types, soon, destination), 200, `"OK"`,
		"Lambda-Extension-Identifier", e.id)
}

// at is a moment whose time is shown.
var at = time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)

func line(kind, text string) runtime.Telemetry {
	return runtime.Telemetry{Time: at, Type: kind, Line: []byte(text)}
}

func event(kind, record string) runtime.Telemetry {
	return runtime.Telemetry{Time: at, Type: kind, Record: []byte(record)}
}

// Subscribers hear what they asked for, from the beginning, in the form of the version that they know.
func TestTelemetry(t *testing.T) {
	c := converseWith(t, runtime.Function{Name: "f", Version: "$LATEST", Handler: "main.handler", Extensions: []string{"external"}, JSONLogs: true})
	c.server.Publish(event("platform.initStart", `{"a":1}`))
	current, older := listen(t), listen(t)
	e := c.register("external", `"INVOKE"`)
	e.subscribe("/2022-07-01/telemetry", "2022-12-13", `"platform","function"`, `"protocol":"HTTP","URI":"http://sandbox.localdomain:`+current.port+`/a/b"`)
	e.subscribe("/2020-08-15/logs", "2020-08-15", `"platform","function","extension"`, `"protocol":"HTTP","method":"PUT","encoding":"JSON","URI":"http://sandbox:`+older.port+`"`)
	for _, told := range []runtime.Telemetry{
		event("platform.start", `{}`), line("function", `{"level":"INFO"}`), line("function", "{no document"), line("extension", `{"not":"mine"}`),
		event("platform.runtimeDone", `{}`), event("platform.fault", `"f"`), event("platform.end", `{}`), event("platform.report", `{}`),
	} {
		c.server.Publish(told)
	}
	c.server.FlushTelemetry(10 * time.Second)
	entry := func(kind, record string) string {
		return `{"time":"2026-01-02T03:04:05.006Z","type":"` + kind + `","record":` + record + `}`
	}
	want := "POST sandbox.localdomain:" + current.port + "/a/b application/json [" + strings.Join([]string{
		entry("platform.initStart", `{"a":1}`), entry("platform.start", `{}`), entry("function", `{"level":"INFO"}`), entry("function", `"{no document"`),
		entry("platform.runtimeDone", `{}`), entry("platform.report", `{}`),
	}, ",") + "]"
	if got := <-current.heard; got != want {
		t.Errorf("heard\n%s\nwant\n%s", got, want)
	}
	want = "PUT sandbox:" + older.port + "/ application/json [" + strings.Join([]string{
		entry("platform.start", `{}`), entry("function", `"{\"level\":\"INFO\"}"`), entry("function", `"{no document"`), entry("extension", `"{\"not\":\"mine\"}"`),
		entry("platform.fault", `"f"`), entry("platform.end", `{}`), entry("platform.report", `{}`),
	}, ",") + "]"
	if got := <-older.heard; got != want {
		t.Errorf("heard\n%s\nwant\n%s", got, want)
	}
}

// A TCP listener gets a line for each event.
func TestTelemetryOverTCP(t *testing.T) {
	c := converse(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c.register("e", ``).subscribe("/2022-07-01/telemetry/", "2025-01-29", `"extension"`, `"protocol":"TCP","port":`+port)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c.server.Publish(line("extension", "one"))
	c.server.Publish(line("extension", "<two> \xff"))
	lines := bufio.NewScanner(conn)
	for _, text := range []string{`one`, `<two> \ufffd`} {
		if want := `{"time":"2026-01-02T03:04:05.006Z","type":"extension","record":"` + text + `"}`; !lines.Scan() || lines.Text() != want {
			t.Errorf("%q, want %q", lines.Text(), want)
		}
	}
}

func TestSubscriptionsAreTold(t *testing.T) {
	var told []string
	c := converseWith(t, runtime.Function{Name: "f", Version: "$LATEST", Handler: "main.handler", Subscribed: func(s runtime.Subscription) {
		told = append(told, fmt.Sprint(s))
	}})
	e := c.register("e", `"INVOKE"`)
	for range 2 {
		e.subscribe("/2022-07-01/telemetry", "2022-07-01", `"platform","function"`, `"protocol":"HTTP","URI":"http://sandbox.localdomain:1"`)
	}
	e.subscribe("/2020-08-15/logs", "2021-03-18", `"extension"`, `"protocol":"HTTP","URI":"http://sandbox.localdomain:1"`)
	want := "[{telemetry e Subscribed [platform function]} {telemetry e Already subscribed [platform function]} {logs e Subscribed [extension]}]"
	if fmt.Sprint(told) != want {
		t.Errorf("%v", told)
	}
}

func TestSubscriptionErrors(t *testing.T) {
	c := converse(t)
	e := c.register("e", `"INVOKE"`)
	const path = "/2022-07-01/telemetry"
	c.expect("PUT", path, "{}", 403, refusal("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"))
	c.expect("GET", path, "", 405, "")
	document := func(schema, types, rest string) string {
		return fmt.Sprintf(`{"schemaVersion":%q,"types":[%s],"destination":{%s}`, schema, types, rest)
	}
	good := `"protocol":"HTTP","URI":"http://sandbox.localdomain:8080"`
	for body, want := range map[string]string{
		`{`: "failed to parse JSON: unexpected end of JSON input",
		document("2020-08-15", `"platform"`, good) + "}":                                                          `schemaVersion must be one of ["2022-07-01" "2022-12-13" "2025-01-29"]`,
		document("2022-07-01", ``, good) + "}":                                                                    "types must not be empty",
		document("2022-07-01", `"all"`, good) + "}":                                                               `types must be platform, function or extension, not "all"`,
		document("2022-07-01", `"platform"`, good) + `,"buffering":{"maxItems":10}}`:                              "buffering.maxItems must be from 1000 to 10000",
		document("2022-07-01", `"platform"`, good) + `,"buffering":{"maxBytes":2000000}}`:                         "buffering.maxBytes must be from 262144 to 1048576",
		document("2022-07-01", `"platform"`, good) + `,"buffering":{"timeoutMs":24}}`:                             "buffering.timeoutMs must be from 25 to 30000",
		document("2022-07-01", `"platform"`, `"protocol":"UDP"`) + "}":                                            "Invalid destination: destination.protocol must be HTTP or TCP",
		document("2022-07-01", `"platform"`, `"protocol":"HTTP","URI":"http://sandbox.localdomain"`) + "}":        "Invalid destination: destination.URI must have a port",
		document("2022-07-01", `"platform"`, `"protocol":"HTTP","URI":"https://sandbox.localdomain:1"`) + "}":     "Invalid destination: destination.URI must be a URI of the scheme http",
		document("2022-07-01", `"platform"`, `"protocol":"HTTP","URI":"http://169.254.169.254:80/x"`) + "}":       "Invalid destination: destination.URI host must be sandbox.localdomain",
		document("2022-07-01", `"platform"`, `"protocol":"HTTP","URI":"http://sandbox.localdomain@evil:1"`) + "}": "Invalid destination: destination.URI host must be sandbox.localdomain",
		document("2022-07-01", `"platform"`, good+`,"method":"DELETE"`) + "}":                                     "Invalid destination: destination.method must be POST or PUT",
		document("2022-07-01", `"platform"`, good+`,"encoding":"XML"`) + "}":                                      "Invalid destination: destination.encoding must be JSON",
		document("2022-07-01", `"platform"`, `"protocol":"TCP","port":70000`) + "}":                               "Invalid destination: destination.port must be from 1 to 65535",
	} {
		c.expect("PUT", path, body, 400, refusal("ValidationError", want), "Lambda-Extension-Identifier", e.id)
	}
	// When the environment has initialized it is too late.
	e.next()
	e.ask("/2018-06-01/runtime/invocation/next")
	<-c.server.Ready()
	c.expect("PUT", path, document("2022-07-01", `"platform"`, good)+"}", 403,
		refusal("Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already"), "Lambda-Extension-Identifier", e.id)
	c.expect("PUT", "/2020-08-15/logs", document("2020-08-15", `"platform"`, good)+"}", 403,
		refusal("Logs.SubscriptionClosed", "Logs API subscription is closed already"), "Lambda-Extension-Identifier", e.id)
}

// A listener that does not read holds nobody up: neither who publishes, nor who closes.
func TestListenerThatDoesNotRead(t *testing.T) {
	c := converse(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	e := c.register("e", ``)
	e.subscribe("/2022-07-01/telemetry", "2025-01-29", `"function"`, `"protocol":"HTTP","URI":"http://sandbox.localdomain:`+port+`"`)
	e.subscribe("/2020-08-15/logs", "2021-03-18", `"function"`, `"protocol":"TCP","port":`+port)
	text := strings.Repeat("x", 100_000)
	for range 500 { // 50 MB, more than buffers and sockets hold
		c.server.Publish(line("function", text))
	}
	c.server.FlushTelemetry(10 * time.Millisecond)
	c.server.Close()
}
