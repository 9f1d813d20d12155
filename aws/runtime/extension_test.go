package runtime_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/aws/runtime"
)

const extensions = "/2020-01-01/extension/"

// companion is an extension that talks to the server.
type companion struct {
	*conversation
	id string
}

// register registers an extension that must be taken.
func (c *conversation) register(name, events string) *companion {
	c.t.Helper()
	answer, body := c.do("POST", extensions+"register", `{"events":[`+events+`]}`, "Lambda-Extension-Name", name)
	if answer.StatusCode != 200 || strings.TrimSpace(body) != `{"functionName":"f","functionVersion":"$LATEST","handler":"main.handler"}` {
		c.t.Fatalf("register %s: %d %s", name, answer.StatusCode, body)
	}
	return &companion{c, answer.Header.Get("Lambda-Extension-Identifier")}
}

// next asks for the next event, which arrives on the channel.
func (e *companion) next() <-chan string {
	return e.ask(extensions + "event/next")
}

// ask sends a request whose answer may not come before the test has ended.
func (e *companion) ask(path string) <-chan string {
	got := make(chan string, 1)
	go func() {
		got <- func() string {
			r, err := http.NewRequest("GET", "http://"+e.server.Address()+path, nil)
			if err != nil {
				return err.Error()
			}
			r.Header.Set("Lambda-Extension-Identifier", e.id)
			answer, err := e.client.Do(r)
			if err != nil {
				return err.Error()
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != 200 || path == extensions+"event/next" && answer.Header.Get("Lambda-Extension-Event-Identifier") == "" {
				return fmt.Sprint(answer.Status, answer.Header, err)
			}
			return string(body)
		}()
	}()
	return got
}

func refusal(errorType, message string) string {
	text, _ := json.Marshal(message)
	return fmt.Sprintf(`{"errorMessage":%s,"errorType":%q}`, text, errorType)
}

func outOfTurn(from, to, who string) string {
	return refusal("Extension.InvalidExtensionState",
		fmt.Sprintf("State transition from %s to %s failed for extension %s. Error: State transition is not allowed", from, to, who))
}

// isClosed reports whether a channel is closed.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// The environment has initialized when all have asked; an invocation ends when all have asked again, and is answered before.
func TestInvocationWithExtension(t *testing.T) {
	c := converse(t)
	told, untold := c.register("told", `"INVOKE"`), c.register("untold", ``)
	runtimeAsks := func() <-chan string { return told.ask("/2018-06-01/runtime/invocation/next") }
	asked := runtimeAsks()
	event := told.next()
	if isClosed(c.server.Ready()) {
		t.Error("ready before every extension asked")
	}
	untold.next()
	<-c.server.Ready()

	for _, id := range []string{"id-1", "id-2"} {
		outcome := c.begin(id, `{"a":1}`)
		if got := <-asked; got != `{"a":1}` {
			t.Errorf("the runtime got %s", got)
		}
		if got := strings.TrimSpace(<-event); got != `{"eventType":"INVOKE","deadlineMs":1700000000123,"requestId":"`+id+`","invokedFunctionArn":""}` {
			t.Errorf("the extension got %s", got)
		}
		c.expect("POST", "runtime/invocation/"+id+"/response", "2", 202, ok)
		if got := <-outcome; string(got.Payload) != "2" {
			t.Errorf("outcome %s", got.Payload)
		}
		settled := c.settled
		asked = runtimeAsks()
		if _, err := c.server.Begin(runtime.Invocation{}); err != runtime.ErrBusy {
			t.Errorf("begin while an extension works: %v", err)
		}
		if isClosed(settled) {
			t.Error("settled while an extension works")
		}
		event = told.next()
		<-settled
	}
}

func TestInvokeEventHasTheTrace(t *testing.T) {
	c := converse(t)
	e := c.register("e", `"INVOKE"`)
	if _, err := c.server.Begin(runtime.Invocation{RequestID: "id", FunctionARN: "arn:f", TraceID: "Root=1", Deadline: time.UnixMilli(5)}); err != nil {
		t.Fatal(err)
	}
	want := `{"eventType":"INVOKE","deadlineMs":5,"requestId":"id","invokedFunctionArn":"arn:f","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}`
	if got := <-e.next(); got != want {
		t.Errorf("event %s", got)
	}
}

// An external extension is known before it registers, and may hear of the end.
func TestExternalExtension(t *testing.T) {
	c := converse(t, "outside")
	if isClosed(c.server.Registered()) {
		t.Error("all have registered")
	}
	e := c.register("outside", `"SHUTDOWN"`)
	<-c.server.Registered()
	event := e.next()
	c.server.Shutdown("spindown", time.UnixMilli(1234))
	if got := <-event; got != `{"eventType":"SHUTDOWN","deadlineMs":1234,"shutdownReason":"spindown"}` {
		t.Errorf("event %s", got)
	}
	if all, external := c.server.Extensions(); all != 1 || external != 1 {
		t.Errorf("%d extensions, %d external", all, external)
	}
	c.expect("POST", extensions+"register", `{}`, 403, outOfTurn("Running", "Registered", "outside"), "Lambda-Extension-Name", "outside")
}

func TestRefusedRegistrations(t *testing.T) {
	c := converse(t, "outside")
	for _, test := range []struct{ name, body, want string }{
		{"", `{}`, refusal("Extension.InvalidExtensionName", "Empty extension name")},
		{"e", `{"events":["OTHER"]}`, refusal("Extension.InvalidEventType", "OTHER: ErrorInvalidEventType")},
		{"outside", `{"events":["INVOKE","OTHER"]}`, refusal("Extension.InvalidEventType", "OTHER: ErrorInvalidEventType")},
		{"e", `{"events":["SHUTDOWN"]}`, refusal("Extension.InvalidEventType", "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension")},
		{"e", `{"events":[`, refusal("InvalidRequestFormat", "unexpected end of JSON input")},
		{"e", `{"configurationKeys":["K"]}`, refusal("InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead")},
	} {
		c.expect("POST", extensions+"register", test.body, 403, test.want, "Lambda-Extension-Name", test.name)
	}
	for i := range runtime.MaxExtensions - 1 {
		c.register(fmt.Sprint("e-", i), `"INVOKE"`)
	}
	c.expect("POST", extensions+"register", `{}`, 403, refusal("Extension.TooManyExtensions", "Extension limit (10) reached"), "Lambda-Extension-Name", "e")

	c = converse(t)
	c.register("e", ``)
	c.expect("POST", extensions+"register", `{}`, 403,
		refusal("Extension.InvalidExtensionState", "Extension with this name already registered"), "Lambda-Extension-Name", "e")
	c.expect("POST", extensions+"register", `{}`, 200,
		`{"accountId":"123456789012","functionName":"f","functionVersion":"$LATEST","handler":"main.handler"}`,
		"Lambda-Extension-Name", "e2", "Lambda-Extension-Accept-Feature", "other, accountId")
	c.begin("id", "{}")
	c.do("GET", "runtime/invocation/next", "")
	c.expect("POST", extensions+"register", `{}`, 403,
		refusal("Extension.RegistrationClosed", "Extension registration closed already"), "Lambda-Extension-Name", "late")
}

func TestExtensionIdentifiers(t *testing.T) {
	c := converse(t)
	const stranger = "00000000-0000-4000-8000-000000000000"
	for path, unknown := range map[string]string{
		"GET event/next": "Unknown extension " + stranger, "POST init/error": "Unknown Lambda-Extension-Identifier",
		"POST exit/error": "Unknown Lambda-Extension-Identifier",
	} {
		method, path, _ := strings.Cut(path, " ")
		c.expect(method, extensions+path, "", 403, refusal("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"))
		c.expect(method, extensions+path, "", 403,
			refusal("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"), "Lambda-Extension-Identifier", "x")
		c.expect(method, extensions+path, "", 403, refusal("Extension.UnknownExtensionIdentifier", unknown), "Lambda-Extension-Identifier", stranger)
	}
}

func TestExtensionErrors(t *testing.T) {
	c := converse(t)
	e := c.register("e", `"INVOKE"`)
	report := func(path string, status int, want string) {
		t.Helper()
		c.expect("POST", extensions+path, "{}", status, want, "Lambda-Extension-Identifier", e.id, "Lambda-Extension-Function-Error-Type", "Extension.Mine")
	}
	c.expect("POST", extensions+"init/error", "", 403,
		refusal("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found"), "Lambda-Extension-Identifier", e.id)
	if got := c.server.ExtensionFailure(); got != "" {
		t.Errorf("failure %s", got)
	}
	report("init/error", 202, ok)
	report("init/error", 202, ok)
	report("exit/error", 403, outOfTurn("InitError", "ExitError", e.id))
	c.expect("GET", extensions+"event/next", "", 403, outOfTurn("InitError", "Ready", e.id), "Lambda-Extension-Identifier", e.id)
	if got := c.server.ExtensionFailure(); got != "Extension.InitError" {
		t.Errorf("failure %s", got)
	}

	c = converse(t)
	e = c.register("e", `"INVOKE"`)
	c.begin("id", "{}")
	<-e.next()
	report("init/error", 403, outOfTurn("Running", "InitError", e.id))
	report("exit/error", 202, ok)
	report("exit/error", 202, ok)
	if got := c.server.ExtensionFailure(); got != "Extension.ExitError" {
		t.Errorf("failure %s", got)
	}
}
