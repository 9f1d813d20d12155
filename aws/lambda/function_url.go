package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// URLPath is the beginning of the path by which a URL can be called, too, where the names of hosts lead nowhere: its id follows,
// and then the path that the function sees.
const URLPath = "/_millrace/lambda-url/"

// forbidden is AWS's text for who may not call a URL.
const forbidden = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

// URLService describes the URLs of functions to the dispatcher.
func (d *Door) URLService() protocol.Service {
	return protocol.Service{Name: "lambda", MaxBodyBytes: function.MaxPayloadBytes, Claims: IsURL, Whole: d.serveURL}
}

// IsURL reports whether a request is for the URL of a function.
func IsURL(r *http.Request) bool {
	return strings.Contains(r.Host, urlMark) || strings.HasPrefix(r.URL.Path, URLPath)
}

// urlParts returns the id of the URL that a request is for, and the path as the function sees it.
func urlParts(r *http.Request) (id, path string) {
	path = r.URL.EscapedPath()
	if host, _, named := strings.Cut(r.Host, urlMark); named {
		return strings.ToLower(host), path
	}
	id, path, _ = strings.Cut(strings.TrimPrefix(path, URLPath), "/")
	return id, "/" + path
}

// urlCall is one request to a URL on its way.
type urlCall struct {
	w      http.ResponseWriter
	r      *http.Request
	call   protocol.Call
	config function.URLConfig
	path   string
}

// urlWriter remembers with which status a request was answered.
type urlWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *urlWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController through.
func (w *urlWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serveURL answers a request to a URL: it asks who calls, invokes, and makes an answer of what the function returns.
func (d *Door) serveURL(w http.ResponseWriter, r *http.Request, refused error) protocol.Outcome {
	id, path := urlParts(r)
	answered := &urlWriter{ResponseWriter: w}
	u := &urlCall{w: answered, r: r, call: protocol.CallFrom(r.Context()), path: path}
	delete(w.Header(), "x-amz-id-2")
	var err error
	if u.config, err = d.Functions.URLByID(id); err != nil {
		w.Header().Set("x-amzn-ErrorType", AccessDeniedException)
		return u.answer(http.StatusForbidden, `{"Message":null}`, AccessDeniedException)
	}
	begun := d.clock.Now()
	defer func() { d.Functions.RecordURL(u.config.About, answered.status, d.clock.Since(begun)) }()
	if u.preflight() {
		return u.outcome(http.StatusOK, "")
	}
	u.allowOrigin()
	if !d.mayCall(u, refused) {
		return u.forbid()
	}
	event, err := d.urlEvent(u)
	if err != nil {
		return u.failed(err)
	}
	in := function.Invocation{Ref: u.config.About, RequestID: u.call.RequestID, Payload: event, Vouched: true, TraceID: r.Header.Get("X-Amzn-Trace-Id")}
	// A caller that goes away does not end the function.
	ctx := context.WithoutCancel(r.Context())
	if isTrue(u.config.Stream) {
		return d.streamURL(ctx, u, in)
	}
	result, err := d.Functions.Invoke(ctx, in)
	if err != nil {
		return u.failed(err)
	}
	if result.FunctionError != "" {
		return u.answer(http.StatusBadGateway, "Internal Server Error", result.ErrorType)
	}
	return u.respond(result.Payload)
}

// mayCall judges the caller. One who has to sign has to be known, and of the account; where policies are enforced, they say who he
// may be, and have to let in everybody where nobody signs.
func (d *Door) mayCall(u *urlCall, refused error) bool {
	document := ""
	if p, err := d.Functions.PolicyOf(u.r.Context(), u.config.About); err == nil {
		document = p.Document()
	}
	if !u.config.IAM {
		return !d.Judges || opensURL(document)
	}
	if refused != nil || !u.call.Judged() && u.call.Account != u.config.About.Account {
		return false
	}
	return u.call.Authorize(u.r.Context(), protocol.Access{
		Action: "lambda:InvokeFunctionUrl", Resource: u.config.About.ARN(), Policy: document,
		Keys: map[string][]string{"lambda:functionurlauthtype": {FunctionUrlAuthTypeAwsIam}},
	}) == nil
}

// opensURL reports whether a policy lets everybody call a URL: as AddPermission writes it.
func opensURL(policy string) bool {
	var document struct {
		Statement []struct {
			Principal any
			Action    string
			Condition map[string]map[string]string
		}
	}
	if json.Unmarshal([]byte(policy), &document) != nil {
		return false
	}
	for _, s := range document.Statement {
		equals := s.Condition["StringEquals"]
		open := len(s.Condition) == 0 || len(s.Condition) == 1 && len(equals) == 1 && equals["lambda:FunctionUrlAuthType"] == FunctionUrlAuthTypeNone
		if open && s.Principal == "*" && (s.Action == "lambda:InvokeFunctionUrl" || s.Action == "lambda:*") {
			return true
		}
	}
	return false
}

// preflight answers what a browser asks before it calls, if the URL says what browsers may do.
func (u *urlCall) preflight() bool {
	c, h := u.config.Cors, u.w.Header()
	if c == nil || u.r.Method != http.MethodOptions || u.r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	u.allowOrigin()
	if h.Get("Access-Control-Allow-Origin") != "" {
		for name, values := range map[string][]string{"Access-Control-Allow-Methods": c.AllowMethods, "Access-Control-Allow-Headers": c.AllowHeaders} {
			if len(values) > 0 {
				h.Set(name, strings.Join(values, ","))
			}
		}
		if c.MaxAge != nil {
			h.Set("Access-Control-Max-Age", strconv.Itoa(*c.MaxAge))
		}
	}
	u.w.WriteHeader(http.StatusOK)
	return true
}

// allowOrigin lets the page that calls read the answer, if it may.
func (u *urlCall) allowOrigin() {
	c, h, origin := u.config.Cors, u.w.Header(), u.r.Header.Get("Origin")
	if c == nil || origin == "" {
		return
	}
	all := slices.Contains(c.AllowOrigins, "*")
	if !all && !slices.Contains(c.AllowOrigins, origin) {
		return
	}
	if all && !isTrue(c.AllowCredentials) {
		origin = "*"
	} else {
		h.Add("Vary", "Origin")
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if isTrue(c.AllowCredentials) {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
}

func (u *urlCall) outcome(status int, code string) protocol.Outcome {
	return protocol.Outcome{Operation: "InvokeFunctionUrl", Status: status, Code: code}
}

// answer answers with a text.
func (u *urlCall) answer(status int, text, code string) protocol.Outcome {
	u.w.Header().Set("Content-Type", "application/json")
	u.w.WriteHeader(status)
	_, _ = io.WriteString(u.w, text)
	return u.outcome(status, code)
}

func (u *urlCall) forbid() protocol.Outcome {
	u.w.Header().Set("x-amzn-ErrorType", AccessDeniedException)
	return u.answer(http.StatusForbidden, `{"Message":"`+forbidden+`"}`, AccessDeniedException)
}

// failed answers for an invocation that did not reach the function. An alias that is gone lets nobody in.
func (u *urlCall) failed(err error) protocol.Outcome {
	var (
		throttled *function.ThrottledError
		large     *function.PayloadTooLargeError
	)
	switch {
	case errors.Is(err, function.ErrNotFound):
		return u.forbid()
	case errors.Is(err, function.ErrRecursive):
		return u.answer(http.StatusBadRequest, `{"Message":"`+recursive+`"}`, RecursiveInvocationException)
	case errors.As(err, &throttled):
		return u.answer(http.StatusTooManyRequests, `{"Message":"Rate Exceeded."}`, TooManyRequestsException)
	case errors.As(err, &large):
		return u.answer(http.StatusRequestEntityTooLarge, `{"Message":"Request Entity Too Large"}`, RequestEntityTooLargeException)
	}
	outcome := u.answer(http.StatusBadGateway, "Internal Server Error", ServiceException)
	if !errors.As(err, new(*function.NotReadyError)) {
		outcome.Cause = err
	}
	return outcome
}
