package process_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

// pythonHandlers is one module with a handler for everything that is tested.
const pythonHandlers = `
import collections, decimal, functools, json, logging, os, signal, sys, time

count = 0

def echo(event, context):
    return event

def counter(event, context):
    global count
    count += 1
    return count

def nothing(event, context):
    pass

def raises(event, context):
    raise ValueError("Handler fails\u00e9")

class Own(Exception):
    pass

def nested(event, context):
    def inner():
        raise Own()
    inner()

def leaves(event, context):
    sys.exit(event)

def values(event, context):
    return {"d": decimal.Decimal("1.10"), "n": float("nan"), "dn": decimal.Decimal("NaN"), "u": "\u00e9\u2603", "t": (1, 2), "big": 12345678901234567890}

def inner_bytes(event, context):
    return {"b": b"caf\xc3\xa9"}

def bad_bytes(event, context):
    return [b"\xff"]

def generator(event, context):
    yield 1

class Callable:
    def __call__(self, event, context):
        return [type(self).__name__, event]

    def method(self, event, context):
        return ["method", event]

instance = Callable()
method = instance.method
partial = functools.partial(lambda extra, event, context: [extra, event], "extra")
number = 7

def one_argument(event):
    return event

def interrupts(event, context):
    raise KeyboardInterrupt()

def signals(event, context):
    got = []
    signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(0.001)
    return got

def chained(event, context):
    try:
        {}["absent"]
    except KeyError as e:
        raise RuntimeError("because") from e

def logs(event, context):
    context.log("from the context\n")
    logger = logging.getLogger("mine")
    logger.info("not to be seen")
    logger.warning("two\nlines %d", 2)
    try:
        raise ValueError("inner")
    except ValueError:
        logger.exception("failed")
    logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(message)s"))
    logger.error("in a form")
    logger.error("of one's own")

def paths(event, context):
    return sys.path[:3] + [sys.path[3] == os.environ["LAMBDA_RUNTIME_DIR"]]

def raw(event, context):
    return b"\x00raw"

def unserializable(event, context):
    return {1, 2}

def surrogate(event, context):
    return "\ud800"

async def coroutine(event, context):
    return 1

def prints(event, context):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    sys.stdout.write("part")
    logging.getLogger().setLevel(logging.INFO)
    logging.info("from the logger")
    return None

def slow(event, context):
    time.sleep(1000)

def describe(event, context):
    left = context.get_remaining_time_in_millis()
    assert 0 < left <= 20000, left
    return {
        "request": context.aws_request_id, "name": context.function_name, "version": context.function_version,
        "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb, "group": context.log_group_name,
        "stream": context.log_stream_name == os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], "tenant": context.tenant_id,
        "client": context.client_context and [context.client_context.custom, context.client_context.env, context.client_context.client.app_title],
        "identity": context.identity.cognito_identity_id, "trace": os.environ["_X_AMZN_TRACE_ID"],
        "path": sys.path[0] == os.environ["LAMBDA_TASK_ROOT"] == os.getcwd(), "env": os.environ["AWS_EXECUTION_ENV"],
    }

def large(event, context):
    return "x" * event

def call(event, context):
    return globals()[event[0]](event[1], context)
`

func pythons() []string {
	return []string{"python3.8", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"}
}

func TestPython(t *testing.T) {
	for _, version := range pythons() {
		t.Run(version, func(t *testing.T) {
			h := open(t)
			need(t, h, version)
			for _, name := range []string{"call", "raises", "nested"} {
				h.deploy(name, version, "lib/handlers."+name, files{"lib/handlers.py": pythonHandlers})
			}
			h.expect("call", `["echo", {"a": [1, null, "é"]}]`, "", escaped(version, `{"a": [1, null, "é"]}`))
			h.expect("call", `["counter", 1]`, "", `1`)
			h.expect("call", `["counter", 1]`, "", `2`)
			h.expect("call", `["nothing", 1]`, "", `null`)
			h.expect("call", `["values", 1]`, "", escaped(version, `{"d": 1.10, "n": NaN, "dn": NaN, "u": "é☃", "t": [1, 2], "big": 12345678901234567890}`))
			h.expect("call", `["raw", 1]`, "", "\x00raw")
			for name, message := range map[string]string{
				"unserializable": "Object of type set is not JSON serializable",
				"coroutine":      "Object of type coroutine is not JSON serializable",
			} {
				h.expect("call", fmt.Sprintf("[%q, 1]", name), "Unhandled", fmt.Sprintf(
					`{"errorMessage": "Unable to marshal response: %s", "errorType": "Runtime.MarshalError", "requestId": "req-1", "stackTrace": []}`, message))
			}
			if got := h.invoke("call", `["surrogate", 1]`); escaped(version, "é") == "é" && !strings.Contains(string(got.Payload), "Runtime.MarshalError") {
				t.Errorf("surrogate: %s", got.Payload)
			}
			if again := h.invoke("call", `["counter", 1]`); again.Cold || string(again.Payload) != `3` {
				t.Errorf("after all these: cold %v, %s", again.Cold, again.Payload)
			}
			pythonErrors(t, h)
			pythonContext(t, h, version)
		})
	}
}

func TestPythonHandlers(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	for _, name := range []string{"instance", "method", "partial", "number", "one_argument", "chained"} {
		h.deploy(name, "python3.11", "package/handlers."+name, files{"package/handlers.py": pythonHandlers})
	}
	h.expect("instance", `1`, "", `["Callable", 1]`)
	h.expect("method", `1`, "", `["method", 1]`)
	h.expect("partial", `1`, "", `["extra", 1]`)
	for name, want := range map[string]string{
		"number":       "TypeError 'int' object is not callable",
		"one_argument": "TypeError one_argument() takes 1 positional argument but 2 were given",
		"chained":      "RuntimeError because",
	} {
		var got struct{ ErrorType, ErrorMessage string }
		result := h.invoke(name, `1`)
		decode(t, result.Payload, &got)
		if result.FunctionError != "Unhandled" || got.ErrorType+" "+got.ErrorMessage != want || strings.Contains(string(result.Payload), "bootstrap.py") {
			t.Errorf("%s: %s", name, result.Payload)
		}
	}
	h.deploy("dotted", "python3.11", "package.handlers.call", files{"package/handlers.py": pythonHandlers, "package/__init__.py": ""})
	h.expect("dotted", `["inner_bytes", 1]`, "", `{"b": "caf\u00e9"}`)
	h.expect("dotted", `["signals", 1]`, "", `[1]`)
	h.expect("dotted", `["paths", 1]`, "", `["`+h.root()+`", "/opt/python/lib/python3.11/site-packages", "/opt/python", true]`)
	for name, message := range map[string]string{
		"bad_bytes": "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
		"generator": "Object of type generator is not JSON serializable",
	} {
		h.expect("dotted", fmt.Sprintf("[%q, 1]", name), "Unhandled", fmt.Sprintf(
			`{"errorMessage": "Unable to marshal response: %s", "errorType": "Runtime.MarshalError", "requestId": "req-1", "stackTrace": []}`, message))
	}
	if again := h.invoke("dotted", `["counter", 1]`); again.Cold {
		t.Error("cold after errors of the handler")
	}
	h.expect("dotted", `["interrupts", 1]`, "Unhandled",
		`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: signal: interrupt"}`)
}

// root is where functions find their code.
func (h *house) root() string {
	if isolated(h.t) {
		return "/var/task"
	}
	roots, err := filepath.Glob(filepath.Join(h.code, "run-*", "*"))
	if err != nil || len(roots) == 0 {
		h.t.Fatal(roots, err)
	}
	return roots[0]
}

func TestPythonSizesAndExits(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	h.deploy("call", "python3.11", "handlers.call", files{"handlers.py": pythonHandlers})
	h.expect("call", `["large", 6291554]`, "", `"`+strings.Repeat("x", 6291554)+`"`)
	h.expect("call", `["large", 6291555]`, "Unhandled",
		`{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`)
	if again := h.invoke("call", `["large", 1]`); again.Cold || string(again.Payload) != `"x"` {
		t.Errorf("after a response that was too large: cold %v, %s", again.Cold, again.Payload)
	}
	h.expect("call", `["leaves", 0]`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited without providing a reason"}`)
	h.expect("call", `["leaves", 4]`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 4"}`)
}

// escaped is JSON as Python writes it before 3.12.
func escaped(version, text string) string {
	if len(version) == len("python3.12") && version >= "python3.12" {
		return text
	}
	return strings.NewReplacer("é", `\u00e9`, "☃", `\u2603`).Replace(text)
}

func pythonErrors(t *testing.T, h *house) {
	var got struct {
		ErrorMessage, ErrorType, RequestID string
		StackTrace                         []string
	}
	decode(t, h.invoke("raises", `1`).Payload, &got)
	trace := regexp.MustCompile(`^  File "/.*/lib/handlers\.py", line \d+, in raises\n    raise ValueError\("Handler fails\\u00e9"\)\n$`)
	if got.ErrorMessage != "Handler failsé" || got.ErrorType != "ValueError" || got.RequestID != "req-1" ||
		len(got.StackTrace) != 1 || !trace.MatchString(got.StackTrace[0]) {
		t.Errorf("raises: %+v", got)
	}
	result := h.invoke("nested", `1`)
	decode(t, result.Payload, &got)
	if got.ErrorMessage != "" || got.ErrorType != "Own" || result.ErrorType != "Runtime.Unknown" || result.Reason() != "Own" || len(got.StackTrace) != 2 {
		t.Errorf("nested: %+v", got)
	}
	if !regexp.MustCompile("\n\\[ERROR\\] Own\rTraceback \\(most recent call last\\):\r\u00a0\u00a0File .*\r.*\n").Match(result.LogTail) {
		t.Errorf("log of nested: %q", result.LogTail)
	}
}

func pythonContext(t *testing.T, h *house, version string) {
	result, err := h.functions.Invoke(t.Context(), function.Invocation{
		Ref: function.Ref{Name: ref("call").Name, Qualifier: function.Latest}, RequestID: "req-2", TraceID: someTrace,
		Payload: []byte(`["describe", 1]`), ClientContext: `{"custom":{"k":"ü"},"env":{"e":1},"client":{"app_title":"T"}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"request": "req-2", "name": "call", "version": "$LATEST", `+
		`"arn": "arn:aws:lambda:eu-west-1:123456789012:function:call:$LATEST", "memory": "128", "group": "/aws/lambda/call", "stream": true, `+
		`"tenant": null, "client": [{"k": "ü"}, {"e": 1}, "T"], "identity": null, "trace": "%s", "path": true, "env": "AWS_Lambda_%s"}`, someTrace, version)
	want = strings.ReplaceAll(escaped(version, want), "ü", escapedUmlaut(version))
	if got := untraced(result.Payload); got != want {
		t.Errorf("context:\n%s\nwant\n%s", got, want)
	}
	if plain := h.invoke("call", `["describe", 1]`); !strings.Contains(string(plain.Payload), `function:call", `) || !strings.Contains(string(plain.Payload), `"client": null`) {
		t.Errorf("context without: %s", plain.Payload)
	}
}

func escapedUmlaut(version string) string {
	if escaped(version, "é") == "é" {
		return "ü"
	}
	return `\u00fc`
}

func TestPythonFailedImports(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	tests := []struct{ name, handler, code, errorType, message string }{
		{"nodot", "handler", "", "Runtime.MalformedHandlerName", "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"},
		{"builtin", "sys.exit", "", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"},
		{"nomodule", "absent.handler", "", "Runtime.ImportModuleError", "Unable to import module 'absent': No module named 'absent'"},
		{"noimport", "main.handler", "import absent", "Runtime.ImportModuleError", "Unable to import module 'main': No module named 'absent'"},
		{"syntax", "main.handler", "def f(:\n", "Runtime.UserCodeSyntaxError", "Syntax error in module 'main': invalid syntax (main.py, line 1)"},
		{"nohandler", "main.handler", "x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'main'"},
		{"raises", "main.handler", "raise Exception('Runtime startup fails')", "Exception", "Runtime startup fails"},
	}
	for _, test := range tests {
		h.deploy(test.name, "python3.11", test.handler, files{"main.py": test.code})
		for range 2 {
			result := h.invoke(test.name, `{}`)
			var got struct {
				ErrorMessage, ErrorType string
				RequestID               *string
				StackTrace              []string
			}
			decode(t, result.Payload, &got)
			if result.FunctionError != "Unhandled" || got.ErrorType != test.errorType || got.ErrorMessage != test.message || got.RequestID == nil || *got.RequestID != "" {
				t.Errorf("%s: %s", test.name, result.Payload)
			}
			if (test.name == "raises" || test.name == "syntax") != (len(got.StackTrace) > 0) || strings.Contains(string(result.Payload), "bootstrap.py") {
				t.Errorf("%s: %s", test.name, result.Payload)
			}
			if log := string(result.LogTail); !strings.Contains(log, "[ERROR] "+test.errorType) || !strings.HasSuffix(log, "\tStatus: error\tError Type: "+result.ErrorType+"\n") {
				t.Errorf("%s: log %s", test.name, result.LogTail)
			}
		}
	}
	h.deploy("exits", "python3.11", "main.handler", files{"main.py": "import sys; sys.exit(2)"})
	h.expect("exits", `1`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 2"}`)
}

func TestPythonLog(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	h.deploy("f", "python3.11", "main.prints", files{"main.py": pythonHandlers})
	pattern := regexp.MustCompile(`^START .*\nto stdout\nto stderr\npart\[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\treq-1\tfrom the logger\nEND `)
	if got := h.invoke("f", `1`).LogTail; !pattern.Match(got) {
		t.Errorf("log: %s", got)
	}
}

func TestPythonLogFormats(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	h.deploy("f", "python3.11", "main.logs", files{"main.py": pythonHandlers})
	const stamp = `\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\treq-1\t`
	pattern := regexp.MustCompile(`^START .*\nfrom the context\n\[WARNING\]` + stamp + `two\rlines 2\n\[ERROR\]` + stamp +
		`failed\rTraceback \(most recent call last\):\r.*\rValueError: inner\nin a form\nof one's own\nEND `)
	if got := h.invoke("f", `1`).LogTail; !pattern.Match(got) {
		t.Errorf("log: %q", got)
	}
}

func TestPythonTimeout(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	h.deploy("f", "python3.11", "main.slow", files{"main.py": pythonHandlers}, timeout(time.Second))
	h.expect("f", `1`, "Unhandled", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: req-1 Error: Task timed out after 1.00 seconds"}`)
}

func TestManagedEnvironment(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	h.deploy("f", "python3.11", "main.handler", files{"main.py": "import os, sys\ndef handler(e, c): return [dict(os.environ), sys.executable]"})
	var got []any
	decode(t, h.invoke("f", `1`).Payload, &got)
	env, root := got[0].(map[string]any), got[0].(map[string]any)["LAMBDA_TASK_ROOT"].(string)
	for name, want := range map[string]string{
		"AWS_EXECUTION_ENV": "AWS_Lambda_python3.11", "PWD": root, "LC_CTYPE": "C.UTF-8", "PYTHONPATH": env["LAMBDA_RUNTIME_DIR"].(string),
		"PATH": filepath.Dir(got[1].(string)) + ":/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin", "_HANDLER": "main.handler",
	} {
		if env[name] != want {
			t.Errorf("%s=%v, want %s", name, env[name], want)
		}
	}
	runtime := nodeRuntime(t, h)
	h.deploy("n", runtime, "main.handler", files{"main.js": "exports.handler = async () => process.env"})
	env = nil
	decode(t, h.invoke("n", `1`).Payload, &env)
	root, dir := env["LAMBDA_TASK_ROOT"].(string), env["LAMBDA_RUNTIME_DIR"].(string)
	for name, want := range map[string]string{
		"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs20.x", "PWD": root,
		"NODE_PATH": "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:" + dir + "/node_modules:" + dir + ":" + root,
	} {
		if env[name] != want {
			t.Errorf("%s=%v, want %s", name, env[name], want)
		}
	}
}

func TestExecWrapper(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	wrap := func(path string) func(*function.Function) {
		return func(f *function.Function) { f.Environment = map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": path} }
	}
	code := files{"main.py": "import os\ndef handler(e, c): return os.environ['WRAPPED']", "wrapper*": "#!/bin/sh\nexport WRAPPED=$#\nexec \"$@\"\n"}
	h.deploy("f", "python3.11", "main.handler", code, wrap("/var/task/wrapper"))
	h.expect("f", `1`, "", `"4"`)
	h.deploy("g", "python3.11", "main.handler", code, wrap("/no/such/wrapper"))
	h.expect("g", `1`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 127"}`)
}

// The code is not changed by running it.
func TestPythonLeavesNoCache(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	h.deploy("f", "python3.11", "main.handler", files{"main.py": "import other\ndef handler(e, c): return e", "other.py": ""})
	h.expect("f", `1`, "", `1`)
	if caches, err := filepath.Glob(filepath.Join(h.code, "run-*", "*", "__pycache__")); err != nil || len(caches) != 0 {
		t.Errorf("%v, %v", caches, err)
	}
}

func TestMissingInterpreters(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	t.Setenv("PATH", t.TempDir())
	executor, err := process.New(process.Config{Dir: t.TempDir(), Log: log, Interpreters: map[string]string{"python3.13": "/no/such/python"}})
	if err != nil {
		t.Fatal(err)
	}
	for runtime, want := range map[string]string{
		"python3.12": "The runtime python3.12 cannot be run on this host: python3.12 was not found on the PATH, nor any other Python. Install it.",
		"nodejs20.x": "The runtime nodejs20.x cannot be run on this host: node 20 was not found on the PATH, nor any other Node.js. Install it.",
		"python3.13": "The runtime python3.13 cannot be run on this host: the configured interpreter /no/such/python does not work: fork/exec /no/such/python: no such file or directory.",
		"java21": "The runtime java21 cannot be run on this host: only Python, Node.js and provided runtimes are run as processes. " +
			"Create the function with the runtime provided.al2023 and bring the runtime along: a program named bootstrap, in the code or in a layer, " +
			"that speaks the Runtime API, as AWS's runtime interface clients do.",
	} {
		if err := executor.Check(t.Context(), function.Spec{Function: function.Function{Runtime: runtime}}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", runtime, err)
		}
	}
	if err := executor.Check(t.Context(), function.Spec{Function: function.Function{Runtime: "provided.al2023"}}); err != nil {
		t.Error(err)
	}
}
