package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

func TestGoFunction(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	h.expect("f", `{"hello":"world"}`, "", `{"hello":"world"}`)
	h.expect("f", ``, "", `{}`)
	h.expect("f", `{"Do":"print","Text":"x"}`, "", `null`)
	h.expect("f", `{"Do":"error","Text":"no such thing"}`, "Unhandled", `{"errorMessage":"no such thing","errorType":"errorString"}`)
}

// Every way of failing has its document, and a function that failed works again.
func TestFailures(t *testing.T) {
	h := open(t)
	h.gobootstrap("f", timeout(5*time.Second))
	tests := []struct{ payload, want string }{
		{`{"Do":"exit","Number":3}`, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 3"}`},
		{`{"Do":"exit","Number":0}`, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited without providing a reason"}`},
		{`{"Do":"signal","Number":9}`, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: signal: killed"}`},
		{`{"Do":"wait","Text":"/never"}`, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: req-1 Error: Task timed out after 5.00 seconds"}`},
		{`{"Do":"large","Number":6291557}`, `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`},
	}
	for _, test := range tests {
		h.expect("f", test.payload, "Unhandled", test.want)
		h.expect("f", `{"then":1}`, "", `{"then":1}`)
	}
	if got := h.invoke("f", `{"Do":"large","Number":6291556}`); got.FunctionError != "" || len(got.Payload) != 6291556 {
		t.Errorf("the largest response: %q, %d bytes", got.FunctionError, len(got.Payload))
	}
	var panicked struct {
		ErrorMessage, ErrorType string
		StackTrace              []struct {
			Path, Label string
			Line        int
		}
	}
	got := h.invoke("f", `{"Do":"panic","Text":"oh"}`)
	decode(t, got.Payload, &panicked)
	if got.FunctionError != "Unhandled" || panicked.ErrorMessage != "oh" || panicked.ErrorType != "string" || len(panicked.StackTrace) == 0 {
		t.Errorf("panic: %s", got.Payload)
	}
	h.expect("f", `{"then":1}`, "", `{"then":1}`)
}

func TestFailedInitialization(t *testing.T) {
	h := open(t)
	exit := func(code string) string {
		return `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited` + code + `"}`
	}
	const entrypoint = `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: req-1 Error: `
	tests := []struct {
		name    string
		content files
		want    string
	}{
		{"exit1", files{"bootstrap*": "#!/bin/sh\necho going\nexit 1\n"}, exit(" with error: exit status 1")},
		{"exit0", files{"bootstrap*": "#!/bin/sh\n"}, exit(" without providing a reason")},
		{"missing", files{"main.py": ""}, entrypoint + `Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}`},
		{"folder", files{"bootstrap/x": ""}, entrypoint + `Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}`},
		{"noshebang", files{"bootstrap*": "echo hello\n"}, entrypoint + `fork/exec /var/task/bootstrap: exec format error"}`},
		{"noprogram", files{"bootstrap*": "#!/no/such/shell\n"}, entrypoint + `fork/exec /var/task/bootstrap: no such file or directory"}`},
		{"notallowed", files{"bootstrap": "#!/bin/sh\n"}, entrypoint + `fork/exec /var/task/bootstrap: permission denied"}`},
		{"reported", files{"bootstrap*": reportInitError}, `{"errorType":"Mine"}`},
	}
	for _, test := range tests {
		h.deploy(test.name, "provided.al2", "h", test.content)
		for range 2 { // the second starts anew
			result := h.expect(test.name, "{}", "Unhandled", test.want)
			if !result.Cold {
				t.Errorf("%s: warm after a failed initialization", test.name)
			}
		}
	}
	log := string(h.invoke("exit1", "{}").LogTail)
	if !strings.HasPrefix(log, "going\nINIT_REPORT Init Duration: ") || !strings.Contains(log, "Phase: init\tStatus: error\tError Type: Runtime.ExitError\nSTART ") {
		t.Errorf("log: %s", log)
	}
}

// reportInitError is a bootstrap in the shell's own words, since a test host need not have curl.
const reportInitError = `#!/bin/bash
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
printf 'POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nLambda-Runtime-Function-Error-Type: Runtime.Mine\r\nContent-Length: 20\r\n\r\n{"errorType":"Mine"}' >&3
read -r status <&3
sleep 1000
`

// echoBootstrap is a whole runtime in the shell.
const echoBootstrap = `#!/bin/bash
api=/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}
while :; do
	exec 3<>"$api"
	printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&3
	while IFS= read -r line <&3 && line=${line%$'\r'} && [ -n "$line" ]; do
		case $line in Lambda-Runtime-Aws-Request-Id:*) id=${line#*: } ;; esac
	done
	event=$(cat <&3)
	exec 3<>"$api"
	body="{\"shell\":$event}"
	printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' "$id" "${#body}" "$body" >&3
	cat <&3 >/dev/null
done
`

func TestShellFunction(t *testing.T) {
	h := open(t)
	h.deploy("f", "provided.al2", "h", files{"bootstrap*": echoBootstrap})
	for i := range 3 {
		result := h.expect("f", `{"a":1}`, "", `{"shell":{"a":1}}`)
		if result.Cold != (i == 0) || (result.InitDuration > 0) != (i == 0) {
			t.Errorf("invocation %d: cold %v, init %s", i, result.Cold, result.InitDuration)
		}
	}
}

// An initialization that takes too long goes on within the first invocation, in the same process.
func TestSlowInitialization(t *testing.T) {
	h := open(t, func(_ *function.Config, p *process.Config) { p.InitLimit = 100 * time.Millisecond })
	gate := filepath.Join(exchange(t), "gate")
	slow := strings.Replace(echoBootstrap, "while :;", "until [ -e "+gate+" ]; do sleep 0.01; done\nwhile :;", 1)
	h.deploy("f", "provided.al2", "h", files{"bootstrap*": slow}, timeout(5*time.Second))
	result := h.expect("f", "1", "Unhandled", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: req-1 Error: Task timed out after 5.00 seconds"}`)
	if log := string(result.LogTail); !strings.Contains(log, "INIT_REPORT Init Duration: 100.00 ms\tPhase: init\tStatus: timeout\n") {
		t.Errorf("log: %s", log)
	}
	opened := make(chan error, 1)
	go func() { opened <- os.WriteFile(gate, nil, 0o600) }()
	h.expect("f", "1", "", `{"shell":1}`)
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// A timeout ends everything that the function started.
func TestTimeoutKillsTheWholeGroup(t *testing.T) {
	h := open(t)
	h.gobootstrap("f", timeout(4*time.Second)) // it has to get there
	file := filepath.Join(exchange(t), "pids")
	h.expect("f", fmt.Sprintf(`{"Do":"hang","Text":%q}`, file), "Unhandled",
		`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: req-1 Error: Task timed out after 4.00 seconds"}`)
	expectGone(t, readProcesses(t, file)...)
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SERVER_SECRET", "must not be seen")
	h := open(t)
	h.gobootstrap("f", func(f *function.Function) {
		f.Handler, f.MemoryMB, f.Environment = "my.handler", 256, map[string]string{"MINE": "yes", "PATH": "/mine"}
	})
	var list []string
	decode(t, h.invoke("f", `{"Do":"environment"}`).Payload, &list)
	got := map[string]string{}
	for _, pair := range list {
		name, value, _ := strings.Cut(pair, "=")
		got[name] = value
	}
	root := got["LAMBDA_TASK_ROOT"]
	taskRoot, runtimeDir := "^/var/task$", "^/var/runtime$"
	if !isolated(t) {
		taskRoot, runtimeDir = "^"+regexp.QuoteMeta(h.code), `bootstrap-[0-9a-f]{12}$`
		if info, err := os.Stat(filepath.Join(root, "bootstrap")); err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("LAMBDA_TASK_ROOT=%s: %v, %v", root, info, err)
		}
	}
	want := map[string]string{
		"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "millrace", "AWS_SESSION_TOKEN": "millrace",
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
		"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1", "_AWS_XRAY_DAEMON_PORT": "2000", "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:" + root + ":" + root + "/lib:/opt/lib",
		"LANG": "en_US.UTF-8", "TZ": ":UTC", "_HANDLER": "my.handler", "MINE": "yes", "PATH": "/mine",
	}
	patterns := map[string]string{
		"AWS_LAMBDA_LOG_STREAM_NAME": `^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`,
		"AWS_LAMBDA_RUNTIME_API":     `^127\.0\.0\.1:\d+$`,
		"LAMBDA_TASK_ROOT":           taskRoot,
		"LAMBDA_RUNTIME_DIR":         runtimeDir,
		"_X_AMZN_TRACE_ID":           `^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=[0-9a-f]{8}:1$`,
	}
	for name, value := range got {
		if pattern, ok := patterns[name]; ok {
			if !regexp.MustCompile(pattern).MatchString(value) {
				t.Errorf("%s=%s", name, value)
			}
		} else if wanted, ok := want[name]; !ok || wanted != value {
			t.Errorf("%s=%s, want %q (%v)", name, value, wanted, ok)
		}
	}
	if len(got) != len(want)+len(patterns) {
		t.Errorf("%d variables, want %d", len(got), len(want)+len(patterns))
	}
}

func TestOwnEndpointIsKept(t *testing.T) {
	h := open(t)
	h.gobootstrap("f", func(f *function.Function) { f.Environment = map[string]string{"AWS_ENDPOINT_URL": "http://mine"} })
	var list []string
	decode(t, h.invoke("f", `{"Do":"environment"}`).Payload, &list)
	if !slices.Contains(list, "AWS_ENDPOINT_URL=http://mine") {
		t.Error(list)
	}
}

// someTrace is the beginning of a header that an invocation is made with; handed on is what else it says.
const someTrace = "Root=1-5759e988-bd862e3fe1be46a994272793"

var handedOn = regexp.MustCompile(`;Parent=[0-9a-f]{16};Sampled=0;Lineage=[0-9a-f]{8}:1`)

// untraced takes from what a function says what its own header has beside the root.
func untraced(text []byte) string { return handedOn.ReplaceAllString(string(text), "") }

func TestContext(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	result, err := h.functions.Invoke(t.Context(), function.Invocation{
		Ref: function.Ref{Name: ref("f").Name, Qualifier: function.Latest}, Payload: []byte(`{"Do":"context"}`),
		ClientContext: `{"custom":{"k":"v"}}`, TraceID: someTrace,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Context struct {
			AwsRequestID, InvokedFunctionArn string
			ClientContext                    struct{ Custom map[string]string }
		}
		Left  int
		Trace string
	}
	decode(t, result.Payload, &got)
	if got.Context.AwsRequestID != result.RequestID || len(result.RequestID) != 36 ||
		got.Context.InvokedFunctionArn != "arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST" ||
		got.Context.ClientContext.Custom["k"] != "v" || got.Left < 15000 || got.Left > 20000 || untraced([]byte(got.Trace)) != someTrace {
		t.Errorf("%s", result.Payload)
	}
}

// Instances that come and go leave no goroutine, no file and no thread behind.
func TestNothingLeaks(t *testing.T) {
	h := open(t)
	h.deploy("crash", "provided.al2", "h", files{"bootstrap*": "#!/bin/sh\nexit 1\n"})
	h.gobootstrap("exit")
	round := func() {
		h.invoke("crash", `{}`)
		h.invoke("exit", `{"Do":"exit","Number":1}`)
		h.invoke("exit", `{"Do":"large","Number":7000000}`)
	}
	round()
	goroutines, opened := runtime.NumGoroutine(), openFiles(t)
	for range 10 {
		round()
	}
	eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+2 && openFiles(t) <= opened+2 })
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("open files cannot be counted here")
	}
	return len(files)
}

func TestWarmReuse(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	for i := 1; i <= 5; i++ {
		result := h.expect("f", `{"Do":"count"}`, "", strconv.Itoa(i))
		if result.Cold != (i == 1) {
			t.Errorf("invocation %d: cold %v", i, result.Cold)
		}
	}
}

// An instance that dies while it is idle costs nobody an error.
func TestInstanceThatDiedIsReplaced(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	for range 5 {
		var name string
		decode(t, h.invoke("f", `{"Do":"pid"}`).Payload, &name)
		if err := syscall.Kill(hostPID(name), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		expectGone(t, name)
		h.started.awaitEnd()
		h.expect("f", `{"then":1}`, "", `{"then":1}`)
	}
}

// Nothing is left when the room has stopped: no process, also not one that was in the middle of its work.
func TestStopKillsEverything(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	var idle string
	decode(t, h.invoke("f", `{"Do":"pid"}`).Payload, &idle)
	file := filepath.Join(exchange(t), "pids")
	failed := make(chan error, 1)
	go func() {
		_, err := h.functions.Invoke(context.Background(), function.Invocation{Ref: ref("f"), Payload: fmt.Appendf(nil, `{"Do":"hang","Text":%q}`, file)})
		failed <- err
	}()
	eventually(t, func() bool {
		_, err := os.Stat(file)
		return err == nil
	})
	h.stop()
	if err := <-failed; !errors.Is(err, function.ErrStopped) {
		t.Errorf("the invocation under way: %v", err)
	}
	expectGone(t, append(readProcesses(t, file), idle)...)
	if _, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f")}); !errors.Is(err, function.ErrStopped) {
		t.Errorf("invoke after the end: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(h.code, "*")); err != nil || len(left) != 0 {
		t.Errorf("code left: %v, %v", left, err)
	}
}

// The context of an invocation ends it and its process.
func TestCancelledInvocation(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	file := filepath.Join(exchange(t), "pids")
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := h.functions.Invoke(ctx, function.Invocation{Ref: ref("f"), Payload: fmt.Appendf(nil, `{"Do":"hang","Text":%q}`, file)})
		failed <- err
	}()
	eventually(t, func() bool {
		_, err := os.Stat(file)
		return err == nil
	})
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	expectGone(t, readProcesses(t, file)...)
	h.expect("f", `{"then":1}`, "", `{"then":1}`)
}

// An update lets an invocation under way finish with the old code; the next one runs the new.
func TestUpdateDuringAnInvocation(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	gate := filepath.Join(exchange(t), "gate")
	var old string
	decode(t, h.invoke("f", `{"Do":"pid"}`).Payload, &old)
	answered := make(chan function.Result, 1)
	go func() {
		result, err := h.functions.Invoke(context.Background(), function.Invocation{Ref: ref("f"), Payload: fmt.Appendf(nil, `{"Do":"wait","Text":%q,"Number":1}`, gate)})
		if err != nil {
			t.Error(err)
		}
		answered <- result
	}()
	eventually(t, func() bool {
		_, err := os.Stat(gate + ".started")
		return err == nil
	})
	if _, err := h.functions.UpdateCode(t.Context(), ref("f").Name, function.CodeUpdate{Zip: archive(t, files{"bootstrap*": echoBootstrap})}); err != nil {
		t.Fatal(err)
	}
	h.settled("f")
	h.expect("f", `1`, "", `{"shell":1}`)
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if result := <-answered; string(result.Payload) != `"waited"` {
		t.Errorf("the invocation under way: %s", result.Payload)
	}
	expectGone(t, old)
	eventually(t, func() bool { // the old code goes with the last instance
		folders, err := filepath.Glob(filepath.Join(h.code, "run-*", "*"))
		return err == nil && len(folders) == 1
	})
}

func TestDeleteDuringAnInvocation(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	gate := filepath.Join(exchange(t), "gate")
	started := filepath.Join(exchange(t), "started")
	h.deploy("shell", "provided.al2", "h", files{"bootstrap*": strings.Replace(echoBootstrap, "event=", "touch "+started+"; until [ -e "+gate+" ]; do sleep 0.01; done\nevent=", 1)})
	answered := make(chan string, 1)
	go func() {
		result, err := h.functions.Invoke(context.Background(), function.Invocation{Ref: ref("shell"), Payload: []byte("1")})
		answered <- fmt.Sprintf("%s %v", result.Payload, err)
	}()
	eventually(t, func() bool {
		_, err := os.Stat(started)
		return err == nil
	})
	if err := h.functions.Delete(t.Context(), ref("shell").Name); err != nil {
		t.Fatal(err)
	}
	if _, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("shell")}); !errors.Is(err, function.ErrNotFound) {
		t.Errorf("invoke after the deletion: %v", err)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got != `{"shell":1} <nil>` {
		t.Errorf("the invocation under way: %s", got)
	}
	eventually(t, func() bool {
		folders, err := filepath.Glob(filepath.Join(h.code, "run-*", "*"))
		return err == nil && len(folders) == 1 // of the other function
	})
}

// A function that crashes at its start costs one start an invocation, and nothing in between.
func TestCrashLoop(t *testing.T) {
	h := open(t)
	starts := filepath.Join(exchange(t), "starts")
	h.deploy("f", "provided.al2", "h", files{"bootstrap*": "#!/bin/sh\necho x >>" + starts + "\nexit 1\n"})
	for range 20 {
		if result := h.invoke("f", "{}"); result.FunctionError != "Unhandled" || !strings.Contains(string(result.Payload), "exit status 1") {
			t.Errorf("%s\n%s", result.Payload, result.LogTail)
		}
	}
	text, err := os.ReadFile(starts)
	if err != nil || bytes.Count(text, []byte("x")) != 20 {
		t.Errorf("%d starts, %v", bytes.Count(text, []byte("x")), err)
	}
}

// The extracted code is made again when somebody swept it away.
func TestSweptCodeIsExtractedAgain(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	folders, err := filepath.Glob(filepath.Join(h.code, "run-*"))
	if err != nil || len(folders) != 1 {
		t.Fatal(folders, err)
	}
	if err := os.RemoveAll(folders[0]); err != nil {
		t.Fatal(err)
	}
	h.expect("f", `1`, "", `1`)
}

func TestPayloads(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	for _, payload := range []string{`"`, `{"a":}`, `nul`, "\xff", "{\"a\":\"\xc3\x28\"}", "1 2"} {
		_, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f"), Payload: []byte(payload)})
		var invalid *function.InvalidPayloadError
		if !errors.As(err, &invalid) {
			t.Errorf("%q: %v", payload, err)
		}
	}
	large, err := json.Marshal(strings.Repeat("x", function.MaxPayloadBytes-2))
	if err != nil {
		t.Fatal(err)
	}
	if result, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f"), Payload: large}); err != nil || !bytes.Equal(result.Payload, large) {
		t.Errorf("the largest payload: %v", err)
	}
	var tooLarge *function.PayloadTooLargeError
	if _, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f"), Payload: append(large, ' ')}); !errors.As(err, &tooLarge) {
		t.Errorf("one byte more: %v", err)
	}
}
