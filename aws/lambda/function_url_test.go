package lambda_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/function"
)

// urlHouse is a house in virtual time with a function, its alias live, and a URL.
type urlHouse struct {
	*house
	t  *testing.T
	id string
}

func withURL(t *testing.T, handler string, change func(*function.URLConfig), test func(*urlHouse)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, stop := open(t, func(*function.Config) {})
		defer stop()
		name := function.Name{Account: "123456789012", Region: "eu-west-1", Name: "f"}
		f := function.Function{Name: name, Runtime: "python3.12", Handler: handler, Role: "arn:aws:iam::123456789012:role/r"}
		if _, err := h.functions.CreateWith(t.Context(), f, zipped(t, "x"), function.Extras{Publish: true}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := h.functions.CreateAlias(t.Context(), function.Alias{Function: name, Name: "live", Version: "1"}); err != nil {
			t.Fatal(err)
		}
		c := function.URLConfig{About: function.Ref{Name: name}}
		if change != nil {
			change(&c)
		}
		made, err := h.functions.CreateURL(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		test(&urlHouse{h, t, made.ID})
	})
}

// call sends a request to the URL by the name of its host.
func (h *urlHouse) call(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+h.id+".lambda-url.eu-west-1.localhost:4566"+path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (h *urlHouse) expect(w *httptest.ResponseRecorder, status int, body string) {
	h.t.Helper()
	if w.Code != status || w.Body.String() != body {
		h.t.Errorf("%d %s, want %d %s", w.Code, w.Body, status, body)
	}
}

// TestURLEvent holds the event against AWS's payload format 2.0.
func TestURLEvent(t *testing.T) {
	withURL(t, "main.echo", nil, func(h *urlHouse) {
		w := h.call("POST", "/pa%2Fth/1?q=query&multi=foo&multi=%2Fbar&e", `{"foo":"é"}`, "Content-Type", "application/json", "Cookie", "a=1; b=2",
			"Extra-Headers", "With WeiRd CapS", "User-Agent", "test/echo", "Authorization", "Bearer x")
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err, w.Body)
		}
		context := got["requestContext"].(map[string]any)
		if id, _ := context["requestId"].(string); len(id) != 36 {
			t.Error(context["requestId"])
		}
		delete(context, "requestId")
		want := strings.ReplaceAll(`{"version":"2.0","routeKey":"$default","rawPath":"/pa/th/1","rawQueryString":"q=query&multi=foo&multi=%2Fbar&e","cookies":["a=1","b=2"],
"headers":{"authorization":"Bearer x","content-length":"12","content-type":"application/json","cookie":"a=1; b=2","extra-headers":"With WeiRd CapS",
"host":"ID.lambda-url.eu-west-1.localhost:4566","user-agent":"test/echo","x-forwarded-for":"192.0.2.1","x-forwarded-port":"4566","x-forwarded-proto":"http"},
"queryStringParameters":{"e":"","multi":"foo,/bar","q":"query"},
"requestContext":{"accountId":"anonymous","apiId":"ID","domainName":"ID.lambda-url.eu-west-1.localhost","domainPrefix":"ID",
"http":{"method":"POST","path":"/pa/th/1","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"test/echo"},
"routeKey":"$default","stage":"$default","time":"01/Jan/2000:00:00:00 +0000","timeEpoch":946684800000},
"body":"{\"foo\":\"é\"}","isBase64Encoded":false}`, "ID", h.id)
		var wanted map[string]any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if a, b := fmt.Sprint(got), fmt.Sprint(wanted); a != b {
			t.Errorf("got  %s\nwant %s", a, b)
		}

		// By the path, and what is no text.
		r := httptest.NewRequest("POST", "http://127.0.0.1:4566"+lambda.URLPath+h.id+"/x", strings.NewReader("a=b"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w = httptest.NewRecorder()
		h.ServeHTTP(w, r)
		for _, part := range []string{`"rawPath":"/x"`, `"body":"YT1i"`, `"isBase64Encoded":true`} {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("no %s in %s", part, w.Body)
			}
		}
	})
}

// TestURLResponses: what a function returns becomes the answer, as it was recorded at AWS.
func TestURLResponses(t *testing.T) {
	withURL(t, "url", nil, func(h *urlHouse) {
		w := h.call("GET", "/", "")
		h.expect(w, 201, "hi")
		if got := w.Header(); got.Get("X-A") != "1" || got.Get("Content-Type") != "text/plain" || !slices.Equal(got["Set-Cookie"], []string{"a=1", "b=2"}) {
			t.Error(got)
		}
	})
	withURL(t, "text", nil, func(h *urlHouse) {
		w := h.call("GET", "/", "")
		h.expect(w, 200, "hello")
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Error(got)
		}
	})
	withURL(t, "fail", nil, func(h *urlHouse) { h.expect(h.call("GET", "/", ""), 502, "Internal Server Error") })
	streamed := func(c *function.URLConfig) { c.Stream = new(true) }
	withURL(t, "page", streamed, func(h *urlHouse) {
		w := h.call("GET", "/", "")
		h.expect(w, 203, "Hello, world")
		if got := w.Header(); got.Get("X-A") != "b" || got.Get("Set-Cookie") != "c=1" {
			t.Error(got)
		}
	})
	withURL(t, "stream", streamed, func(h *urlHouse) { h.expect(h.call("GET", "/", ""), 200, "one two") })
	withURL(t, "url", streamed, func(h *urlHouse) { h.expect(h.call("GET", "/", ""), 201, "hi") })
	withURL(t, "fail", streamed, func(h *urlHouse) { h.expect(h.call("GET", "/", ""), 502, "Internal Server Error") })
	withURL(t, "stream-then-fail", streamed, func(h *urlHouse) {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Error("an answer that failed in the middle was taken for whole", v)
			}
		}()
		h.call("GET", "/", "")
	})
}

// TestURLCallers: who may call, and what is said to who may not.
func TestURLCallers(t *testing.T) {
	const forbidden = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`
	const signature = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20000101/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0f"
	withURL(t, "text", func(c *function.URLConfig) { c.IAM = true }, func(h *urlHouse) {
		h.expect(h.call("GET", "/", ""), 403, forbidden)
		h.expect(h.call("GET", "/", "", "Authorization", signature, "X-Amz-Date", "20000101T000000Z"), 200, "hello")
		another := strings.Replace(signature, "AKIDEXAMPLE", "222222222222", 1)
		h.expect(h.call("GET", "/", "", "Authorization", another, "X-Amz-Date", "20000101T000000Z"), 403, forbidden)
	})
	withURL(t, "text", nil, func(h *urlHouse) {
		h.door.Judges = true
		h.expect(h.call("GET", "/", ""), 403, forbidden)
		about := function.Ref{Name: function.Name{Account: "123456789012", Region: "eu-west-1", Name: "f"}}
		for _, p := range []function.Permission{
			{Sid: "a", Action: "lambda:InvokeFunctionUrl", Principal: "123456789012"},
			{Sid: "b", Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionURLAuthType: "NONE", SourceAccount: "123456789012"},
		} {
			if _, err := h.functions.AddPermission(h.t.Context(), about, p); err != nil {
				t.Fatal(err)
			}
		}
		h.expect(h.call("GET", "/", ""), 403, forbidden)
		if _, err := h.functions.AddPermission(h.t.Context(), about, function.Permission{
			Sid: "c", Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionURLAuthType: "NONE",
		}); err != nil {
			t.Fatal(err)
		}
		h.expect(h.call("GET", "/", ""), 200, "hello")
	})
	// A URL outlives its alias, and lets nobody in; one that never was is not told apart from what is forbidden.
	withURL(t, "text", func(c *function.URLConfig) { c.About.Qualifier = "live" }, func(h *urlHouse) {
		h.expect(h.call("GET", "/", ""), 200, "hello")
		if err := h.functions.DeleteAlias(h.t.Context(), function.Name{Account: "123456789012", Region: "eu-west-1", Name: "f"}, "live"); err != nil {
			t.Fatal(err)
		}
		h.expect(h.call("GET", "/", ""), 403, forbidden)
		h.id = "none"
		h.expect(h.call("GET", "/", ""), 403, `{"Message":null}`)
	})
}

// TestURLCors: browsers are told what the configuration says, and the function is not asked.
func TestURLCors(t *testing.T) {
	withURL(t, "text", func(c *function.URLConfig) {
		c.Cors = &function.Cors{
			AllowOrigins: []string{"https://a.example"}, AllowMethods: []string{"GET", "PUT"}, AllowHeaders: []string{"x-a"},
			ExposeHeaders: []string{"x-b"}, MaxAge: new(60), AllowCredentials: new(true),
		}
	}, func(h *urlHouse) {
		ask := func(origin string) http.Header {
			w := h.call("OPTIONS", "/", "", "Origin", origin, "Access-Control-Request-Method", "PUT")
			h.expect(w, 200, "")
			return w.Header()
		}
		got := ask("https://a.example")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "https://a.example", "Access-Control-Allow-Methods": "GET,PUT", "Access-Control-Allow-Headers": "x-a",
			"Access-Control-Expose-Headers": "x-b", "Access-Control-Max-Age": "60", "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %q", name, got.Get(name))
			}
		}
		if got := ask("https://b.example"); got.Get("Access-Control-Allow-Origin") != "" {
			t.Error(got)
		}
		if w := h.call("GET", "/", "", "Origin", "https://a.example"); w.Header().Get("Access-Control-Allow-Origin") != "https://a.example" || w.Code != 200 {
			t.Error(w.Code, w.Header())
		}
	})
	withURL(t, "text", nil, func(h *urlHouse) {
		w := h.call("OPTIONS", "/", "", "Origin", "https://a.example", "Access-Control-Request-Method", "PUT")
		h.expect(w, 200, "hello") // it is the function's to answer
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Error(w.Header())
		}
	})
}

// TestURLCircle: a function that goes round in a circle by its URL, or by streams, is found as one that invokes itself in other ways.
func TestURLCircle(t *testing.T) {
	withURL(t, "main.echo", nil, func(h *urlHouse) {
		w := h.call("GET", "/", "", "X-Amzn-Trace-Id", circle("f", 15))
		if w.Code != http.StatusOK {
			t.Error(w.Code, w.Body)
		}
		w = h.call("GET", "/", "", "X-Amzn-Trace-Id", circle("f", 16))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "recursive loop") {
			t.Error(w.Code, w.Body)
		}
	})
}

// circle is the header of who was invoked by a function that was invoked so often.
func circle(name string, times int) string {
	sum := sha256.Sum256([]byte("arn:aws:lambda:eu-west-1:123456789012:function:" + name))
	return fmt.Sprintf("Root=1-00000000-000000000000000000000000;Lineage=%x:%d", sum[:4], times)
}
