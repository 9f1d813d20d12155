package sdkhttp

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// maxAnswer bounds an answer in bytes: a page of logs has 1 MiB of messages, each byte of which may be escaped.
const maxAnswer = 16 << 20

// Caller makes signed calls of those of AWS's APIs that speak JSON. It is for the few operations that this program needs of
// services whose clients in the SDK would weigh a megabyte each.
type Caller struct {
	URL         string // of the server, with nothing behind the port
	Region      string
	Credentials aws.Credentials
	HTTP        *http.Client

	retryer aws.Retryer // nil for the SDK's standard
}

// Refusal is an error that a server has answered with. It is one of the SDK's kind of errors.
type Refusal struct {
	Status        int
	Code, Message string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// ErrorCode implements smithy.APIError.
func (r *Refusal) ErrorCode() string { return r.Code }

// ErrorMessage implements smithy.APIError.
func (r *Refusal) ErrorMessage() string { return r.Message }

// ErrorFault implements smithy.APIError.
func (r *Refusal) ErrorFault() smithy.ErrorFault {
	if r.Status >= http.StatusInternalServerError {
		return smithy.FaultServer
	}
	return smithy.FaultClient
}

// HTTPStatusCode says by which status the SDK's rules of retrying judge the error.
func (r *Refusal) HTTPStatusCode() int { return r.Status }

// REST calls an operation by its method and path, which is escaped and may have a query. The input becomes the body, none if
// it is nil; the answer is decoded into out, unless that is nil.
func (c *Caller) REST(ctx context.Context, service, method, path string, in, out any) error {
	return c.call(ctx, service, method, path, http.Header{"Content-Type": {"application/json"}}, in, out)
}

// Target calls an operation by its X-Amz-Target, in a version of AWS's JSON protocol: "1.0" or "1.1".
func (c *Caller) Target(ctx context.Context, service, version, target string, in, out any) error {
	header := http.Header{"Content-Type": {"application/x-amz-json-" + version}, "X-Amz-Target": {target}}
	return c.call(ctx, service, http.MethodPost, "/", header, in, out)
}

// call tries as often as the SDK would, and for the same reasons.
func (c *Caller) call(ctx context.Context, service, method, path string, header http.Header, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	rules := c.retryer
	if rules == nil {
		rules = retry.NewStandard()
	}
	for attempt := 1; ; attempt++ {
		answer, err := c.try(ctx, service, method, path, header, body)
		if err == nil && out != nil {
			return json.Unmarshal(answer, out)
		}
		if err == nil || attempt == rules.MaxAttempts() || !rules.IsErrorRetryable(err) {
			return err
		}
		delay, wrong := rules.RetryDelay(attempt, err)
		if wrong != nil {
			return err
		}
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

func (c *Caller) try(ctx context.Context, service, method, path string, header http.Header, body []byte) (answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = header.Clone()
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, c.Credentials, request, hex.EncodeToString(hash[:]), service, c.Region, time.Now()); err != nil {
		return nil, err
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode/100 != 2:
		return nil, refusal(response, answer)
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("%s %s: the answer has more than %d bytes", method, request.URL.Path, maxAnswer)
	}
	return answer, nil
}

// refusal reads an error, whose code is in a header or in the body, with something before or behind it or not.
func refusal(response *http.Response, body []byte) error {
	var document struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"` // or Message: names are matched in any case
	}
	_ = json.Unmarshal(body, &document)
	code, _, _ := strings.Cut(cmp.Or(response.Header.Get("X-Amzn-Errortype"), document.Type, document.Code), ":")
	code = code[strings.LastIndexByte(code, '#')+1:]
	return &Refusal{
		Status: response.StatusCode, Code: cmp.Or(code, "UnknownError"), Message: cmp.Or(document.Message, "the server answered "+response.Status),
	}
}
