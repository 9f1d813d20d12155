package lambda

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/aws/protocol"
)

// urlEvent is what a function gets for a request to its URL: AWS's payload format 2.0.
type urlEvent struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	Query           map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext  urlContext        `json:"requestContext"`
	Body            string            `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type urlContext struct {
	AccountID    string         `json:"accountId"`
	APIID        string         `json:"apiId"`
	Authorizer   *urlAuthorizer `json:"authorizer,omitempty"`
	DomainName   string         `json:"domainName"`
	DomainPrefix string         `json:"domainPrefix"`
	HTTP         urlHTTP        `json:"http"`
	RequestID    string         `json:"requestId"`
	RouteKey     string         `json:"routeKey"`
	Stage        string         `json:"stage"`
	Time         string         `json:"time"`
	TimeEpoch    int64          `json:"timeEpoch"`
}

type urlHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// urlAuthorizer says who has signed.
type urlAuthorizer struct {
	IAM struct {
		AccessKey       string  `json:"accessKey"`
		AccountID       string  `json:"accountId"`
		CallerID        string  `json:"callerId"`
		CognitoIdentity *string `json:"cognitoIdentity"`
		PrincipalOrgID  *string `json:"principalOrgId"`
		UserARN         string  `json:"userArn"`
		UserID          string  `json:"userId"`
	} `json:"iam"`
}

// urlEvent makes the event of a request.
func (d *Door) urlEvent(u *urlCall) ([]byte, error) {
	body, err := io.ReadAll(u.r.Body)
	if err != nil {
		return nil, err
	}
	now := d.clock.Now().UTC()
	source, _, _ := net.SplitHostPort(u.r.RemoteAddr)
	host, port, err := net.SplitHostPort(u.r.Host)
	if err != nil {
		host, port = u.r.Host, map[string]string{"http": "80", "https": "443"}[u.call.Scheme]
	}
	path := u.path
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	e := urlEvent{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: u.r.URL.RawQuery,
		Headers: urlHeaders(u.r, u.config.IAM, u.call.Scheme, source, port), Query: joined(u.r.URL.Query()),
		RequestContext: urlContext{
			AccountID: "anonymous", APIID: u.config.ID, DomainName: host, DomainPrefix: u.config.ID, RequestID: u.call.RequestID,
			HTTP:     urlHTTP{u.r.Method, path, u.r.Proto, source, u.r.UserAgent()},
			RouteKey: "$default", Stage: "$default", Time: now.Format("02/Jan/2006:15:04:05 +0000"), TimeEpoch: now.UnixMilli(),
		},
	}
	for _, line := range u.r.Header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			e.Cookies = append(e.Cookies, strings.TrimSpace(cookie))
		}
	}
	if u.config.IAM {
		e.RequestContext.AccountID, e.RequestContext.Authorizer = u.call.Account, authorizerOf(u.call)
	}
	e.Body, e.IsBase64Encoded = urlBody(body, u.r.Header)
	return json.Marshal(e)
}

// urlHeaders are the request's with small letters, several of a name joined, and those that AWS adds.
func urlHeaders(r *http.Request, signed bool, scheme, source, port string) map[string]string {
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if name != "connection" && (name != "authorization" || !signed) { // what is a signature is nothing to the function
			headers[name] = strings.Join(values, ",")
		}
	}
	if r.ContentLength >= 0 && (r.ContentLength > 0 || r.Header.Get("Content-Length") != "") {
		headers["content-length"] = strconv.FormatInt(r.ContentLength, 10)
	}
	headers["x-forwarded-for"], headers["x-forwarded-port"], headers["x-forwarded-proto"] = source, port, scheme
	return headers
}

// joined are the parameters of a query, several of a name joined.
func joined(query url.Values) map[string]string {
	parameters := make(map[string]string, len(query))
	for name, values := range query {
		parameters[name] = strings.Join(values, ",")
	}
	return parameters
}

// urlBody returns the body as the event has it: as it is when it says that it is text, and in base64 otherwise.
func urlBody(body []byte, h http.Header) (text string, encoded bool) {
	kind := strings.ToLower(h.Get("Content-Type"))
	isText := strings.Contains(kind, "text") || strings.Contains(kind, "json") || strings.Contains(kind, "xml") || strings.Contains(kind, "javascript")
	if len(body) == 0 || isText && utf8.Valid(body) && h.Get("Content-Encoding") == "" {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

func authorizerOf(call protocol.Call) *urlAuthorizer {
	a := &urlAuthorizer{}
	a.IAM.AccessKey, a.IAM.AccountID, a.IAM.UserARN = call.AccessKeyID, call.Account, call.Caller.ARN
	a.IAM.CallerID, a.IAM.UserID = call.Caller.UserID, call.Caller.UserID
	return a
}
