package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

// told reads what an extension was sent, without times, durations and sizes.
func told(t *testing.T, path ...string) (all []string) {
	t.Helper()
	numbers := regexp.MustCompile(`(Ms|MB|Bytes|instanceMaxMemory)":[0-9.]+`)
	for batch := range strings.SplitSeq(strings.TrimSpace(read(t, path...)), "\n") {
		var events []struct {
			Time, Type string
			Record     json.RawMessage
		}
		decode(t, []byte(batch), &events)
		for _, e := range events {
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", e.Time); err != nil {
				t.Errorf("time %s", e.Time)
			}
			text := numbers.ReplaceAllString(string(e.Record), `$1":1`)
			all = append(all, e.Type+" "+regexp.MustCompile(`"spans":\[.*?\],`).ReplaceAllString(text, ""))
		}
	}
	return all
}

// expectTold compares what an extension was sent with patterns.
func expectTold(t *testing.T, got []string, want ...string) {
	t.Helper()
	for n := range max(len(got), len(want)) {
		if n >= len(got) || n >= len(want) || !regexp.MustCompile("^(?:"+want[n]+")$").MatchString(got[n]) {
			t.Errorf("event %d of:\n%s\nwant:\n%s", n, strings.Join(got, "\n"), strings.Join(want, "\n"))
			return
		}
	}
}

const (
	initStartTold = `platform.initStart \{"initializationType":"on-demand","phase":"init","runtimeVersion":"provided:al2023.v1","runtimeVersionArn":"arn:aws:lambda:eu-west-1::runtime:\w+",` +
		`"functionName":"f","functionVersion":"\$LATEST","instanceId":"\d{4}/\d\d/\d\d/\[\$LATEST\]\w{32}","instanceMaxMemory":1\}`
	initDoneTold   = `platform.initRuntimeDone \{"initializationType":"on-demand","phase":"init","status":"success"\}`
	initReportTold = `platform.initReport \{"initializationType":"on-demand","phase":"init","status":"success","metrics":\{"durationMs":1\}\}`
	startTold      = `platform.start \{"requestId":"req-1","version":"\$LATEST"\}`
	doneTold       = `platform.runtimeDone \{"requestId":"req-1","status":"success","metrics":\{"durationMs":1,"producedBytes":1\}\}`
	reportMetrics  = `"metrics":\{"durationMs":1,"billedDurationMs":1,"memorySizeMB":1,"maxMemoryUsedMB":1`
	reportTold     = `platform.report \{"requestId":"req-1","status":"success",` + reportMetrics + `,"initDurationMs":1\}\}`
)

// A subscriber hears how the environment began, what is printed, and how each invocation went, the last before it ends.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"telemetry"})
		result := h.invoke("f", `{"Do":"print","Text":"hello"}`)
		expectLog(t, result, `TELEMETRY\tName: telemetry\tState: Subscribed\tTypes: \[Platform, Function, Extension\]\n`+
			`EXTENSION\tName: telemetry\tState: Ready\tEvents: \[INVOKE, SHUTDOWN\]\nSTART `)
		h.invoke("f", `{"Do":"exit","Number":4}`)
		h.stop()
		var events []string
		heard := 0
		for _, event := range told(t, folder, "telemetry.told") {
			if event == `extension "telemetry hears of req-1"` {
				heard++ // at any time of an invocation
				continue
			}
			events = append(events, event)
		}
		if heard == 0 {
			t.Error("nothing of the extension's own")
		}
		expectTold(t, events, initStartTold, `extension "telemetry starts"`,
			`platform.telemetrySubscription \{"name":"telemetry","state":"Subscribed","types":\["platform","function","extension"\]\}`,
			initDoneTold, `platform.extension \{"name":"telemetry","state":"Ready","events":\["INVOKE","SHUTDOWN"\]\}`, initReportTold,
			startTold, `function "hello"`, `function "no newline"`, doneTold, reportTold,
			startTold, `platform.runtimeDone \{"requestId":"req-1","status":"error","errorType":"Runtime.ExitError".*`,
			`platform.report \{"requestId":"req-1","status":"error","errorType":"Runtime.ExitError",`+reportMetrics+`\}\}`)
	})
}

// Logs of documents arrive as documents; the levels are of the log that is kept, and not of what subscribers hear.
func TestTelemetryOfAJSONLog(t *testing.T) {
	t.Parallel()
	h := open(t, patient)
	folder := h.extended("f", []string{"telemetry"}, jsonLog("ERROR", "WARN"))
	result := h.invoke("f", `{"Do":"print","Text":"{\"level\":\"info\",\"a\":1}"}`)
	expectDocuments(t, bytes.TrimSuffix(result.LogTail, []byte("telemetry hears of req-1\n")), "telemetry starts")
	h.stop()
	found := false
	for _, event := range told(t, folder, "telemetry.told") {
		found = found || event == `function {"level":"info","a":1}`
	}
	if !found {
		t.Errorf("%s", read(t, folder, "telemetry.told"))
	}
}

// The older API has events of its own.
func TestLogsAPI(t *testing.T) {
	t.Parallel()
	h := open(t, patient)
	folder := h.extended("f", []string{"logs"})
	h.invoke("f", `{"Do":"exit","Number":4}`)
	h.stop()
	var events []string
	for _, event := range told(t, folder, "logs.told") {
		if !strings.HasPrefix(event, "extension ") {
			events = append(events, event)
		}
	}
	expectTold(t, events, `platform.logsSubscription \{"name":"logs","state":"Subscribed","types":\["platform","function","extension"\]\}`,
		`platform.extension .*`, startTold, `platform.runtimeDone .*"status":"error".*`,
		`platform.fault "RequestId: req-1 Error: Runtime exited with error: exit status 4\\nRuntime.ExitError"`,
		`platform.end \{"requestId":"req-1"\}`, `platform.report .*"status":"error".*`)
}

// A subscriber whose listener does not read holds up neither the function nor the end.
func TestTelemetryListenerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"stuck"})
		for range 3 {
			h.expect("f", `{"Do":"longline","Number":20}`, "", `null`)
		}
		h.stop()
		if got := read(t, folder, "stuck.shutdown"); got != "spindown" {
			t.Errorf("heard %s", got)
		}
		if left, err := filepath.Glob(filepath.Join(folder, "*.told")); err != nil || len(left) != 0 {
			t.Errorf("%v, %v", left, err)
		}
	}, func(_ *function.Config, p *process.Config) { p.ShutdownLimit = 4 * time.Second })
}

// An extension within the runtime subscribes, too.
func TestTelemetryOfAnInternalExtension(t *testing.T) {
	t.Parallel()
	h := open(t, patient)
	h.deploy("f", "provided.al2023", "h", files{"bootstrap*": internalSubscriber}, func(f *function.Function) { f.MemoryMB = 512 })
	result, err := h.functions.Invoke(context.Background(), function.Invocation{Ref: ref("f"), Payload: []byte("1"), Tail: true})
	if err != nil || result.FunctionError != "" {
		t.Fatalf("%v %s", err, result.Payload)
	}
	if got := string(result.Payload); !strings.Contains(got, "platform.initStart") || !strings.Contains(got, "platform.telemetrySubscription") {
		t.Errorf("%s", got)
	}
}

// internalSubscriber listens for telemetry in the runtime's own process, and answers with what it has heard.
var internalSubscriber = fmt.Sprintf(`#!/usr/bin/env python3
import http.client, http.server, json, os, socketserver, threading
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, headers={}):
    api.request(method, path, body, headers)
    answer = api.getresponse()
    return answer.headers, answer.read()
heard, some = [], threading.Event()
class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        some.set()
        self.send_response(200)
        self.end_headers()
    def log_message(self, *a): pass
server = socketserver.TCPServer(("127.0.0.1", 0), Listener)
threading.Thread(target=server.serve_forever, daemon=True).start()
headers, _ = call("POST", "/2020-01-01/extension/register", '{"events":[]}', {"Lambda-Extension-Name": "inside"})
own = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
call("PUT", "/2022-07-01/telemetry", json.dumps({"schemaVersion": "2022-12-13", "types": ["platform"], "buffering": {"timeoutMs": %d},
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:%%d" %% server.server_address[1]}}), own)
def wait():
    other = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    other.request("GET", "/2020-01-01/extension/event/next", headers=own)
    other.getresponse()
threading.Thread(target=wait, daemon=True).start()
headers, _ = call("GET", "/2018-06-01/runtime/invocation/next")
some.wait()
call("POST", "/2018-06-01/runtime/invocation/" + headers["Lambda-Runtime-Aws-Request-Id"] + "/response", "".join(heard))
call("GET", "/2018-06-01/runtime/invocation/next")
`, 25)
