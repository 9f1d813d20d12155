package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/millrace/millrace/function"
)

const (
	// maxResponse is the longest response of a function in bytes, as the Runtime API has it.
	maxResponse = 6291556
	// maxComplaint is how much is told of an answer that is none.
	maxComplaint = 1024

	errorStatus     = "Function.HTTPStatus"
	errorUnhandled  = "Function.Unknown"
	functionError   = "X-Amz-Function-Error"
	responseTooLong = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
)

var errClosed = errors.New("instance was closed")

// instance stands for a function elsewhere. It is one of as many as there are invocations at a time, so that the limits
// of concurrency hold for functions elsewhere too.
type instance struct {
	executor *Executor
	target   target
	spec     function.Spec
	life     context.Context
	end      context.CancelFunc
	busy     sync.WaitGroup
}

// Invoke implements function.Instance. Who is not there, or does not let the invocation in, is a failure of the executor,
// as AWS's Lambda is when it is down; an answer that is none is the function's failure.
func (i *instance) Invoke(ctx context.Context, request function.Request) (function.Response, error) {
	i.busy.Add(1)
	defer i.busy.Done()
	defer request.Settled()
	begun := time.Now()
	deadline := begun.Add(i.spec.Function.Timeout)
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	defer context.AfterFunc(i.life, cancel)()

	response, err := i.exchange(limited, request, deadline)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return function.Response{}, ctx.Err()
	case i.life.Err() != nil:
		return function.Response{}, errClosed
	case limited.Err() != nil:
		response = function.Response{
			ErrorType: function.ErrorTimeout,
			Message:   fmt.Sprintf("Task timed out after %.2f seconds", i.spec.Function.Timeout.Seconds()),
		}
	default:
		i.spec.Log.WriteLine([]byte(err.Error()))
		return function.Response{}, err
	}
	response.Duration = time.Since(begun)
	return response, nil
}

// exchange makes the one request of an invocation.
func (i *instance) exchange(ctx context.Context, request function.Request, deadline time.Time) (function.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.target.url, bytes.NewReader(request.Payload))
	if err != nil {
		return function.Response{}, err
	}
	h := r.Header
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", request.ID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", request.FunctionARN)
	h.Set("X-Amzn-Trace-Id", request.TraceID)
	if request.ClientContext != "" {
		h.Set("X-Amz-Client-Context", base64.StdEncoding.EncodeToString([]byte(request.ClientContext)))
	}
	if i.target.invokes {
		if err := i.sign(r, request.Payload); err != nil {
			return function.Response{}, err
		}
	}
	answer, err := i.executor.client.Do(r)
	if err != nil {
		return function.Response{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxResponse+1))
	if err != nil {
		return function.Response{}, fmt.Errorf("read the answer of %s: %w", r.URL.Redacted(), err)
	}
	return i.judge(r, answer, body)
}

// judge makes a response of an answer.
func (i *instance) judge(r *http.Request, answer *http.Response, body []byte) (function.Response, error) {
	complaint := fmt.Sprintf("%s %s: %s", r.Method, r.URL.Redacted(), answer.Status)
	if text := bytes.TrimSpace(body[:min(len(body), maxComplaint)]); len(text) > 0 {
		complaint += ": " + string(text)
	}
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests:
		return function.Response{}, fmt.Errorf("%s: %w", complaint, &function.ThrottledError{Reason: function.ConcurrentInvocations})
	case i.target.invokes && status/100 != 2, status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return function.Response{}, errors.New(complaint) // the function was not reached
	case status/100 != 2:
		return function.Response{Payload: document(errorStatus, complaint), ErrorType: errorStatus}, nil
	case len(body) > maxResponse:
		return function.Response{Payload: document(function.ErrorResponseTooBig, responseTooLong), ErrorType: function.ErrorResponseTooBig}, nil
	case i.target.invokes && answer.Header.Get(functionError) != "":
		return function.Response{Payload: body, ErrorType: typeIn(body)}, nil
	}
	return function.Response{Payload: body}, nil
}

// document returns an error as a function reports it.
func document(errorType, message string) []byte {
	data, err := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{errorType, message})
	if err != nil {
		return nil // two strings can always be written
	}
	return data
}

// typeIn returns the type of error that a document tells of, when it is one of the platform's.
func typeIn(body []byte) string {
	var d struct {
		ErrorType string `json:"errorType"`
	}
	if json.Unmarshal(body, &d) == nil && platformType.MatchString(d.ErrorType) {
		return d.ErrorType
	}
	return errorUnhandled
}

// sign signs a request to a Lambda: to AWS's own with the operator's credentials, to others with none that are worth
// anything, which say whose function it is where that is asked.
func (i *instance) sign(r *http.Request, payload []byte) error {
	region, credentials := i.spec.Function.Region, aws.Credentials{AccessKeyID: i.spec.Function.Account, SecretAccessKey: "none"}
	if i.target.region != "" {
		var err error
		if region, credentials, err = i.ownCredentials(r.Context()); err != nil {
			return fmt.Errorf("credentials for %s: %w", r.URL.Redacted(), err)
		}
	}
	sum := sha256.Sum256(payload)
	return v4.NewSigner().SignHTTP(r.Context(), credentials, r, hex.EncodeToString(sum[:]), "lambda", region, time.Now())
}

func (i *instance) ownCredentials(ctx context.Context) (region string, c aws.Credentials, err error) {
	c, err = i.executor.credentials.Retrieve(ctx)
	return i.target.region, c, err
}

// Done implements function.Instance. What is not here does not end here.
func (i *instance) Done() <-chan struct{} { return i.life.Done() }

// Close implements function.Instance: it gives up an invocation under way.
func (i *instance) Close() {
	i.end()
	i.busy.Wait()
}
