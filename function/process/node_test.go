package process_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

// nodeHandlers is one module with a handler for everything that is tested.
const nodeHandlers = `
const fs = require('fs');
let count = 0;

exports.echo = async (event) => event;
exports.counter = async () => ++count;
exports.nothing = async () => {};
exports.returns = async () => ({ f: () => 1, u: undefined, d: new Date(0), é: '☃' });
exports.throws = async () => { throw new TypeError('Handler fails é'); };
exports.throwsSync = () => { throw new Error('at once'); };
exports.throwsText = async () => { throw 'only text'; };
exports.circular = async () => { const o = {}; o.o = o; return o; };

exports.callback = (event, context, callback) => { callback(null, event); };
exports.callbackError = (event, context, callback) => { callback(new Error('called back')); };
exports.callbackText = (event, context, callback) => { callback('called back'); };
exports.twice = (event, context, callback) => { callback(null, 1); callback(null, 2); context.succeed(3); };
exports.succeed = (event, context) => { setTimeout(() => context.succeed('succeeded'), 1); };
exports.fail = (event, context) => { context.fail(new Error('failed')); };
exports.done = (event, context) => { context.done(null, 'done'); };
exports.never = (event, context, callback) => {};
exports.neverAsync = async () => new Promise(() => {});
exports.neverPromise = () => new Promise(() => {});

// The answer waits for the timer: the file is there when it comes.
exports.waits = (event, context, callback) => { setTimeout(() => fs.writeFileSync(event, ''), 50); callback(null, 'waited'); };
exports.waitsNot = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setTimeout(() => {}, 1000000);
  callback(null, context.callbackWaitsForEmptyEventLoop);
};
exports.leavesTimer = async () => { setTimeout(() => {}, 1000000); return ++count; };

exports.exits = async (event) => { process.exit(event); };
exports.throwsLater = (event, context, callback) => { setTimeout(() => { throw new RangeError('later'); }, 1); };
exports.rejectsLater = (event, context, callback) => { Promise.reject(new Error('nobody cares')); setTimeout(() => {}, 100000); };

exports.logs = async (event) => {
  console.log('to the log %d', 7, { a: 1 });
  console.error('two\nlines');
  process.stdout.write('plain\n');
};
exports.describe = async (event, context) => {
  const left = context.getRemainingTimeInMillis();
  if (!(left > 0 && left <= 20000)) throw new Error(left);
  return {
    ...context, logStreamName: context.logStreamName === process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    trace: process.env._X_AMZN_TRACE_ID, root: process.env.LAMBDA_TASK_ROOT === process.cwd(),
  };
};
exports.store = async () => {
  const store = awslambda.InvokeStore;
  let refused = '';
  try { store.set(Symbol.for('_AWS_LAMBDA_REQUEST_ID'), 'mine'); } catch (error) { refused = error.message; }
  const before = store.get('mine');
  store.set('mine', 1);
  await new Promise((resolve) => setTimeout(resolve, 1));
  return [store.getRequestId(), store.getXRayTraceId() === process.env._X_AMZN_TRACE_ID, before === undefined, store.get('mine'), refused];
};
exports.looksLikeOne = async () => { throw { name: 'Own', message: 'looks like an error', stack: 'Own: looks\n    at home' }; };
exports.throwsObject = async () => { throw { name: 'Own', message: '', stack: 'x' }; };
exports.throwsDelete = async () => { throw new Error('a\x7Fb'); };
exports.rejects = () => Promise.reject(new Error('rejected'));
exports.thenable = () => ({ then: (resolve) => resolve('thenable') });
exports.succeedTwice = (event, context) => { context.succeed(1); context.fail(new Error('too late')); };
exports.failNothing = (event, context) => { context.fail(); };
exports.returnsWithoutPromise = (event, context, callback) => { setTimeout(() => callback(null, 'called'), 1); return 'ignored'; };
exports.unserializableCallback = (event, context, callback) => { callback(null, { toJSON() { throw new Error('no'); } }); };
exports.unreffed = (event, context, callback) => { setTimeout(() => callback(null, 'never'), 1000000).unref(); };
exports.intervalAndAnswer = (event, context) => { setInterval(() => {}, 1000); context.succeed('left an interval'); };
exports.arrow = { async: async () => 'nested' }.async;
class Methods { async handle() { return this === undefined ? 'no this' : typeof this; } }
exports.method = new Methods().handle;
exports.large = async (event) => 'x'.repeat(event);
exports.deep = { er: { handler: async () => 'deep' } };
exports.notAFunction = 1;
exports.stream = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType('text/plain');
  stream.write('{"streamed":');
  stream.write(JSON.stringify(event));
  stream.end('}');
});
exports.streamObjects = awslambda.streamifyResponse(async (event, stream) => { stream.write({ a: 1 }); stream.end(); });
exports.streamPrelude = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
  stream.write('body');
  stream.end();
});
exports.streamTooLate = awslambda.streamifyResponse(async (event, stream) => { stream.write('x'); stream.setContentType('text/plain'); });
exports.streamSync = awslambda.streamifyResponse((event, stream) => { stream.write('x'); });
exports.streamOther = Object.assign(async () => {}, { [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'request' });
exports.streamFails = awslambda.streamifyResponse(async (event, stream) => { stream.write('part'); throw new Error('in the middle'); });
`

func nodeRuntime(t *testing.T, h *house) string {
	t.Helper()
	need(t, h, "nodejs20.x")
	return "nodejs20.x"
}

func TestNode(t *testing.T) {
	h := open(t)
	runtime := nodeRuntime(t, h)
	handlers := map[string]string{} // handler name to the name of its function
	use := func(handler string) string {
		if handlers[handler] == "" {
			handlers[handler] = strings.ReplaceAll(handler, ".", "-")
			h.deploy(handlers[handler], runtime, "src/index."+handler, files{"src/index.js": nodeHandlers})
		}
		return handlers[handler]
	}
	for _, test := range []struct{ handler, payload, want string }{
		{"echo", `{"a": [1, "é"]}`, `{"a":[1,"é"]}`},
		{"counter", `1`, `1`},
		{"counter", `1`, `2`},
		{"nothing", `1`, `null`},
		{"returns", `1`, `{"d":"1970-01-01T00:00:00.000Z","é":"☃"}`},
		{"callback", `{"b":1}`, `{"b":1}`},
		{"callback", `{"b":2}`, `{"b":2}`},
		{"twice", `1`, `1`},
		{"twice", `1`, `1`},
		{"succeed", `1`, `"succeeded"`},
		{"done", `1`, `"done"`},
		{"never", `1`, `null`},
		{"never", `1`, `null`},
		{"neverPromise", `1`, `null`},
		{"waitsNot", `1`, `false`},
		{"waitsNot", `1`, `false`},
		{"leavesTimer", `1`, `1`},
		{"leavesTimer", `1`, `2`},
		{"deep.er.handler", `1`, `"deep"`},
		{"stream", `{"a":1}`, `{"streamed":{"a":1}}`},
		{"stream", `{"a":2}`, `{"streamed":{"a":2}}`},
		{"streamObjects", `1`, `{"a":1}`},
		{"streamPrelude", `1`, "{\"statusCode\":201}\x00\x00\x00\x00\x00\x00\x00\x00body"},
		{"store", `1`, `["req-1",true,true,1,"Cannot modify protected Lambda context field: Symbol(_AWS_LAMBDA_REQUEST_ID)"]`},
		{"store", `1`, `["req-1",true,true,1,"Cannot modify protected Lambda context field: Symbol(_AWS_LAMBDA_REQUEST_ID)"]`},
		{"thenable", `1`, `"thenable"`},
		{"succeedTwice", `1`, `1`},
		{"succeedTwice", `1`, `1`},
		{"returnsWithoutPromise", `1`, `"called"`},
		{"unreffed", `1`, `null`},
		{"intervalAndAnswer", `1`, `"left an interval"`},
		{"intervalAndAnswer", `1`, `"left an interval"`},
		{"arrow", `1`, `"nested"`},
		{"method", `1`, `"object"`},
	} {
		h.expect(use(test.handler), test.payload, "", test.want)
	}
	for _, test := range []struct{ handler, errorType, message string }{
		{"throws", "TypeError", "Handler fails é"},
		{"throws", "TypeError", "Handler fails é"},
		{"throwsSync", "Error", "at once"},
		{"circular", "Error", "Unable to stringify response body"},
		{"callbackError", "Error", "called back"},
		{"fail", "Error", "failed"},
		{"neverAsync", "Runtime.NodeJsExit", "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by " +
			"a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes"},
		{"throwsLater", "RangeError", "later"},
		{"throwsLater", "RangeError", "later"},
		{"rejectsLater", "Runtime.UnhandledPromiseRejection", "Error: nobody cares"},
		{"streamFails", "Error", "in the middle"},
		{"streamTooLate", "Runtime.InvalidStreamingOperation", "Cannot set content-type, too late."},
		{"streamOther", "Runtime.MalformedStreamingHandler", "Only response streaming is supported."},
		{"looksLikeOne", "Own", "looks like an error"},
		{"throwsDelete", "Error", "a%7Fb"},
		{"rejects", "Error", "rejected"},
		{"unserializableCallback", "Error", "Unable to stringify response body"},
	} {
		nodeError(t, h.invoke(use(test.handler), `1`), test.errorType, test.message)
	}
	h.expect(use("throwsText"), `1`, "Unhandled", `{"errorType":"string","errorMessage":"only text","trace":[]}`)
	h.expect(use("throwsObject"), `1`, "Unhandled", `{"errorType":"object","errorMessage":"[object Object]","trace":[]}`)
	h.expect(use("failNothing"), `1`, "Unhandled", `{"errorType":"string","errorMessage":"handled","trace":[]}`)
	h.expect(use("streamSync"), `1`, "Unhandled", `{"errorType":"string","errorMessage":"Streaming does not support non-async handlers.","trace":[]}`)
	h.expect(use("callbackText"), `1`, "Unhandled", `{"errorType":"string","errorMessage":"called back","trace":[]}`)
	h.expect(use("exits"), `0`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited without providing a reason"}`)
	h.expect(use("exits"), `5`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 5"}`)

	file := filepath.Join(exchange(t), "written")
	h.expect(use("waits"), fmt.Sprintf("%q", file), "", `"waited"`)
	if written, err := filepath.Glob(file); err != nil || len(written) != 1 {
		t.Errorf("the answer did not wait: %v, %v", written, err)
	}

	h.expect(use("large"), `6291554`, "", `"`+strings.Repeat("x", 6291554)+`"`)
	h.expect(use("large"), `6291555`, "Unhandled",
		`{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`)
	if again := h.invoke(use("large"), `1`); again.Cold || string(again.Payload) != `"x"` {
		t.Errorf("after a response that was too large: cold %v, %s", again.Cold, again.Payload)
	}
}

func nodeError(t *testing.T, result function.Result, errorType, message string) {
	t.Helper()
	var got struct {
		ErrorType, ErrorMessage string
		Trace                   []string
	}
	decode(t, result.Payload, &got)
	if result.FunctionError != "Unhandled" || got.ErrorType != errorType || result.Reason() != errorType || got.ErrorMessage != message || len(got.Trace) == 0 {
		t.Errorf("%q %s\nwant %s %s\nlog: %s", result.FunctionError, result.Payload, errorType, message, result.LogTail)
	}
}

func TestNodeContextAndLog(t *testing.T) {
	h := open(t)
	runtime := nodeRuntime(t, h)
	h.deploy("describe", runtime, "index.describe", files{"index.js": nodeHandlers})
	result, err := h.functions.Invoke(t.Context(), function.Invocation{
		Ref: function.Ref{Name: ref("describe").Name, Qualifier: function.Latest}, RequestID: "req-2", TraceID: someTrace, ClientContext: `{"custom":{"k":"ü"}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"functionVersion":"$LATEST","functionName":"describe","memoryLimitInMB":"128","logGroupName":"/aws/lambda/describe","logStreamName":true,` +
		`"clientContext":{"custom":{"k":"ü"}},"invokedFunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:describe:$LATEST","awsRequestId":"req-2",` +
		`"callbackWaitsForEmptyEventLoop":true,"trace":"` + someTrace + `","root":true}`
	if got := untraced(result.Payload); got != want {
		t.Errorf("context:\n%s\nwant\n%s", got, want)
	}

	h.deploy("logs", runtime, "index.logs", files{"index.js": nodeHandlers})
	const stamp = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\treq-1\t`
	pattern := regexp.MustCompile(`^START .*\n` + stamp + `INFO\tto the log 7 \{ a: 1 \}\n` + stamp + "ERROR\ttwo\rlines\nplain\nEND ")
	if got := h.invoke("logs", `1`).LogTail; !pattern.Match(got) {
		t.Errorf("log: %q", got)
	}
}

func TestNodeModules(t *testing.T) {
	h := open(t)
	runtime := nodeRuntime(t, h)
	const commonJS, module = "exports.handler = async () => 'commonjs';", "const now = await Promise.resolve('module'); export const handler = async () => now;"
	for name, code := range map[string]files{
		"js":      {"index.js": commonJS},
		"cjs":     {"index.cjs": commonJS},
		"mjs":     {"index.mjs": module},
		"typed":   {"index.js": module, "package.json": `{"type":"module"}`},
		"plain":   {"index.js": commonJS, "package.json": `{"name":"x"}`},
		"folder":  {"index/index.js": commonJS, "node_modules/x/index.js": ""},
		"package": {"node_modules/index/index.js": commonJS},
		"bare":    {"index": commonJS},
		"default": {"index.mjs": "export default { handler: async () => 'module' };"},
	} {
		h.deploy(name, runtime, "index.handler", code)
		want := `"commonjs"`
		if name == "mjs" || name == "typed" || name == "default" {
			want = `"module"`
		}
		h.expect(name, `1`, "", want)
	}
}

func TestNodeFailedInitialization(t *testing.T) {
	h := open(t)
	runtime := nodeRuntime(t, h)
	for _, test := range []struct{ name, handler, code, errorType, message string }{
		{"absent", "absent.handler", "", "Runtime.ImportModuleError", "Error: Cannot find module 'absent'\nRequire stack:\n- "},
		{"dependency", "index.handler", "require('absent')", "Runtime.ImportModuleError", "Error: Cannot find module 'absent'\nRequire stack:\n- "},
		{"syntax", "index.handler", "exports.handler = (", "Runtime.UserCodeSyntaxError", "SyntaxError: "},
		{"nohandler", "index.handler", "", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"},
		{"nofunction", "index.notAFunction", "exports.notAFunction = 1", "Runtime.HandlerNotFound", "index.notAFunction is not a function"},
		{"nodot", "handler", "", "Runtime.MalformedHandlerName", "Bad handler"},
		{
			"dots", "../index.handler", "", "Runtime.MalformedHandlerName",
			"'../index.handler' is not a valid handler name. Use absolute paths when specifying root directories in handler names.",
		},
		{"throws", "index.handler", "throw new TypeError('startup fails')", "TypeError", "startup fails"},
	} {
		h.deploy(test.name, runtime, test.handler, files{"index.js": test.code})
		for range 2 {
			result := h.invoke(test.name, `1`)
			var got struct{ ErrorType, ErrorMessage string }
			decode(t, result.Payload, &got)
			if result.FunctionError != "Unhandled" || got.ErrorType != test.errorType || !strings.HasPrefix(got.ErrorMessage, test.message) {
				t.Errorf("%s: %s", test.name, result.Payload)
			}
			if !strings.Contains(string(result.LogTail), "Uncaught Exception") {
				t.Errorf("%s: log %s", test.name, result.LogTail)
			}
		}
	}
	h.deploy("exits", runtime, "index.handler", files{"index.js": "process.exit(2)"})
	h.expect("exits", `1`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 2"}`)
}

// Node.js 24 knows no callbacks. The runtime decides, not the interpreter.
func TestNode24HasNoCallbacks(t *testing.T) {
	h := open(t, func(_ *function.Config, p *process.Config) { p.RuntimeMatch = process.Nearest })
	nodeRuntime(t, h)
	const runtime = "nodejs24.x"
	h.deploy("callback", runtime, "index.callback", files{"index.js": nodeHandlers})
	nodeError(t, h.invoke("callback", `1`), "Runtime.CallbackHandlerDeprecated", "ERROR: AWS Lambda has removed support for callback-based function handlers "+
		"starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see "+
		"https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.")
	h.deploy("echo", runtime, "index.echo", files{"index.js": nodeHandlers})
	h.expect("echo", `1`, "", `1`)
	h.deploy("succeed", runtime, "index.handler", files{"index.js": "exports.handler = (event, context) => typeof context.succeed"})
	h.expect("succeed", `1`, "", `"undefined"`)
}

func TestNodeTimeout(t *testing.T) {
	h := open(t)
	runtime := nodeRuntime(t, h)
	h.deploy("f", runtime, "index.handler", files{"index.js": "exports.handler = async () => { for (;;) {} }"}, timeout(time.Second))
	h.expect("f", `1`, "Unhandled", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: req-1 Error: Task timed out after 1.00 seconds"}`)
}
