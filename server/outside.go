package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
)

// outsideTimeout bounds one request of the house's own to an endpoint outside; who sends a document makes several attempts.
const outsideTimeout = 20 * time.Second

// maxOutsideAnswer is how much of an answer is read; what the house itself asks for has a short one.
const maxOutsideAnswer = 64 << 10

// outside sends single requests that are signed as AWS has it, to where services live that do not live here. For the few
// operations that the house needs, their clients in AWS's SDK would be a tenth of the program.
type outside struct {
	short, long *http.Client // long is for requests of clients, which take as long as they take
	credentials aws.CredentialsProvider
}

// newOutside returns who sends to services elsewhere, nil when there are none. The credentials are those of the environment, as
// AWS's own tools find them; they are looked for when they are first needed.
func newOutside(c Config) (*outside, error) {
	any := false
	for service := range placeFlags {
		_, away := c.away(service)
		any = any || away
	}
	if !any {
		return nil, nil
	}
	options, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(c.Region))
	if err != nil {
		return nil, fmt.Errorf("credentials for endpoints outside: %w", err)
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		MaxIdleConns: 100, MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
	as := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a signature is for one address
	return &outside{
		short:       &http.Client{Transport: transport, Timeout: outsideTimeout, CheckRedirect: as},
		long:        &http.Client{Transport: transport, CheckRedirect: as},
		credentials: options.Credentials,
	}, nil
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// do signs a request and sends it. hash is that of its body.
func (o *outside) do(r *http.Request, service, region, hash string, client *http.Client) (*http.Response, error) {
	credentials, err := o.credentials.Retrieve(r.Context())
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Amz-Content-Sha256", hash)
	// The path of an object is signed as it stands.
	plain := func(options *v4.SignerOptions) { options.DisableURIPathEscaping = service == "s3" }
	if err := v4.NewSigner(plain).SignHTTP(r.Context(), credentials, r, hash, service, region, time.Now()); err != nil {
		return nil, err
	}
	return client.Do(r)
}

// outsideError is an answer that is no success.
type outsideError struct {
	request string
	status  int
	text    string
}

func (e *outsideError) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.request, e.status, http.StatusText(e.status), e.text)
}

// send sends a request of the house's own and returns the beginning of its answer, up to limit bytes and one more. The error is an
// *outsideError unless it was answered with success.
func (o *outside) send(r *http.Request, service, region string, body []byte, limit int64) ([]byte, error) {
	answer, err := o.do(r, service, region, hashOf(body), o.short)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, maxOutsideAnswer)) // the status says enough
		return nil, &outsideError{r.Method + " " + r.URL.Redacted(), answer.StatusCode, string(bytes.TrimSpace(text))}
	}
	return io.ReadAll(io.LimitReader(answer.Body, limit+1))
}

// call has an operation of awsJson carried out. out may be nil.
func (o *outside) call(ctx context.Context, endpoint, service, region, version, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(endpoint, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-"+version)
	r.Header.Set("X-Amz-Target", target)
	answer, err := o.send(r, service, region, body, maxOutsideAnswer)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// replace puts senders to endpoints outside in the place of the rooms, for the services for which there is one. To a service that
// is switched off nothing can be sent.
func (d destination) replace(c Config, there *outside) {
	for service, endpoint := range c.places() {
		if endpoint == Off {
			delete(d, service)
		}
	}
	if endpoint, away := c.away("sqs"); away {
		d["sqs"] = outsideQueue{there, endpoint}.send
	}
	if endpoint, away := c.away("sns"); away {
		d["sns"] = outsideTopic{there, endpoint}.send
	}
	if endpoint, away := c.away("s3"); away {
		d["s3"] = outsideBucket{there, endpoint}.send
	}
}

type outsideTopic struct {
	*outside
	endpoint string
}

func (o outsideTopic) send(ctx context.Context, to arn.ARN, n function.Notice) error {
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {to.String()}, "Message": {string(n.Body)}}
	if n.Subject != "" {
		form.Set("Subject", n.Subject)
	}
	for i, a := range n.Attributes {
		entry := "MessageAttributes.entry." + strconv.Itoa(i+1) + "."
		form.Set(entry+"Name", a.Name)
		form.Set(entry+"Value.DataType", a.Type)
		form.Set(entry+"Value.StringValue", a.Text)
	}
	body := []byte(form.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(o.endpoint, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if n.Trace != "" {
		r.Header.Set("X-Amzn-Trace-Id", n.Trace)
	}
	_, err = o.outside.send(r, "sns", to.Region, body, maxOutsideAnswer)
	return err
}

type outsideBucket struct {
	*outside
	endpoint string
}

// object is the address of an object. The bucket's name in the path is what every store understands, whoever made it.
func (o outsideBucket) object(bucket, key string) string {
	return strings.TrimRight(o.endpoint, "/") + "/" + bucket + "/" + httpbinding.EscapePath(key, false)
}

func (o outsideBucket) send(ctx context.Context, to arn.ARN, n function.Notice) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, o.object(to.Resource, n.Key), bytes.NewReader(n.Body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", noticeType)
	_, err = o.outside.send(r, "s3", n.Region, n.Body, maxOutsideAnswer)
	return err
}
