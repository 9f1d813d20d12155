package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/s3"
)

// Off, in the place of an endpoint, says that there is no such service.
const Off = "off"

// places are where the services live that can live elsewhere, by their names in signatures: empty for here, Off, or a URL.
func (c Config) places() map[string]string {
	return map[string]string{
		"sqs": c.SQSEndpoint, "sns": c.SNSEndpoint, "s3": c.S3Endpoint, "monitoring": c.CloudWatchEndpoint, "logs": c.LogsEndpoint,
	}
}

// placeFlags are how the settings are called on the command line.
var placeFlags = map[string]string{
	"sqs": "--sqs-endpoint", "sns": "--sns-endpoint", "s3": "--s3-endpoint", "monitoring": "--cloudwatch-endpoint", "logs": "--logs-endpoint",
}

// away reports whether a service lives elsewhere, which is where endpoint says.
func (c Config) away(service string) (endpoint string, away bool) {
	endpoint = c.places()[service]
	return endpoint, endpoint != "" && endpoint != Off
}

// move puts in the place of a service that lives elsewhere, or nowhere, what tells clients so, or hands their requests on.
func (c Config) move(s protocol.Service, there *outside) protocol.Service {
	endpoint := c.places()[s.Name]
	if endpoint == "" {
		return s
	}
	var elsewhere protocol.Elsewhere
	switch {
	case endpoint == Off:
		elsewhere = refusing("The service " + s.Name + " is switched off on this server (" + placeFlags[s.Name] + " off).")
	case !c.Forward:
		elsewhere = refusing("The service " + s.Name + " does not live on this server but at " + endpoint + ": send requests there, or start the server with --forward on.")
	default:
		elsewhere = forwarder{there, s.Name, endpoint}.forward
	}
	if s.Whole != nil {
		return s3.Elsewhere(elsewhere)
	}
	s.Elsewhere = elsewhere
	return s
}

// refusing answers all requests with a reason. The code is the one that clients do not try again for.
func refusing(reason string) protocol.Elsewhere {
	return func(*http.Request, []byte) (*http.Response, error) {
		return nil, &protocol.Error{Code: "UnsupportedOperation", Status: http.StatusBadRequest, Message: reason}
	}
}

// forwarder hands requests on to where a service lives, signed with the credentials of the environment: the signatures of clients are
// about another host, and made with keys that are known here alone.
type forwarder struct {
	there    *outside
	service  string
	endpoint string
}

// hopByHop are headers that are not the client's message to the service, and those of its signature.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length",
	"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "Date",
}

// maxRewritten bounds the answers in which the addresses of queues are changed; they are short.
const maxRewritten = 1 << 20

// via names this server in the requests that it hands on.
const via = "1.1 millrace"

// forward implements protocol.Elsewhere.
func (f forwarder) forward(r *http.Request, body []byte) (*http.Response, error) {
	if strings.Contains(r.Header.Get("Via"), via) {
		return nil, &protocol.Error{Code: "LoopDetected", Status: http.StatusLoopDetected, Message: "The request has been handed on before: the service " + f.service + " lives nowhere."}
	}
	call := protocol.CallFrom(r.Context())
	if f.service == "sqs" {
		body = f.queueThere(call, r, body)
	}
	out, hash, err := f.request(r, body)
	if err != nil {
		return nil, err
	}
	answer, err := f.there.do(out, f.service, call.Region, hash, f.there.long)
	if err != nil {
		var told *protocol.Error
		if errors.As(err, &told) {
			return nil, told
		}
		return nil, &protocol.Error{
			Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable,
			Message: fmt.Sprintf("The service %s lives at %s, which does not answer: %v", f.service, f.endpoint, err),
		}
	}
	if f.service == "sqs" {
		return f.queueHere(call, answer)
	}
	return answer, nil
}

// request is the client's request as it goes out, without a signature, and the hash of its body.
func (f forwarder) request(r *http.Request, body []byte) (*http.Request, string, error) {
	query := r.URL.Query()
	for name := range query {
		if strings.HasPrefix(name, "X-Amz-") {
			query.Del(name)
		}
	}
	path := r.URL.EscapedPath()
	if f.service == "sqs" && len(body) > 0 {
		path = "/" // the body names the queue
	}
	address := strings.TrimRight(f.endpoint, "/") + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	from, hash := io.Reader(bytes.NewReader(body)), hashOf(body)
	if body == nil {
		from, hash = r.Body, r.Header.Get("X-Amz-Content-Sha256")
		if r.ContentLength == 0 {
			from = http.NoBody
		}
		if hash == "" {
			hash = "UNSIGNED-PAYLOAD"
		}
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, address, from)
	if err != nil {
		return nil, "", err
	}
	if body == nil {
		out.ContentLength = r.ContentLength
	}
	out.Header = r.Header.Clone()
	for _, name := range hopByHop {
		out.Header.Del(name)
	}
	out.Header.Set("Via", via)
	return out, hash, nil
}

// queueThere changes the address of a queue in a request to the one that it has where it lives. Clients that were told one
// before this server stood between, or by it, name its host.
func (f forwarder) queueThere(call protocol.Call, r *http.Request, body []byte) []byte {
	switch call.Protocol {
	case protocol.JSON:
		var members map[string]json.RawMessage
		var address string
		if json.Unmarshal(body, &members) != nil || json.Unmarshal(members["QueueUrl"], &address) != nil {
			return body
		}
		text, err := json.Marshal(f.moved(address))
		if err != nil {
			return body
		}
		members["QueueUrl"] = text
		if changed, err := json.Marshal(members); err == nil {
			return changed
		}
	case protocol.Query:
		form, err := url.ParseQuery(string(body))
		address := form.Get("QueueUrl")
		if address == "" && strings.Count(r.URL.Path, "/") > 1 { // clients post to the queue
			address = call.Scheme + "://" + call.Host + r.URL.Path
		}
		if err == nil && address != "" && len(body) > 0 {
			form.Set("QueueUrl", f.moved(address))
			return []byte(form.Encode())
		}
	}
	return body
}

// moved is an address with the host of where the service lives.
func (f forwarder) moved(address string) string {
	u, err := url.Parse(address)
	there, failed := url.Parse(f.endpoint)
	if err != nil || failed != nil || u.Host == "" {
		return address
	}
	u.Scheme, u.Host = there.Scheme, there.Host
	return u.String()
}

// queueHere changes the addresses of queues in an answer to this server, since many clients send their requests to a queue's
// address, whatever endpoint they were given.
func (f forwarder) queueHere(call protocol.Call, answer *http.Response) (*http.Response, error) {
	switch call.Operation {
	case "CreateQueue", "GetQueueUrl", "ListQueues", "ListDeadLetterSourceQueues":
	default:
		return answer, nil
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxRewritten))
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	there, err := url.Parse(f.endpoint)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte(there.Scheme+"://"+there.Host+"/"), []byte(call.Scheme+"://"+call.Host+"/"))
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	answer.Header.Set("Content-Length", fmt.Sprint(len(text)))
	answer.Header.Del("X-Amz-Crc32")
	return answer, nil
}

// nobody is what stands in the place of a destination's service that is switched off.
func nobody(service string) error {
	return fmt.Errorf("the service %s is switched off (%s off)", service, placeFlags[service])
}
