package sdkhttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// caller returns one of a server that answers as handler does.
func caller(t *testing.T, handler http.HandlerFunc) *Caller {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := NewClient()
	t.Cleanup(client.CloseIdleConnections)
	return &Caller{
		URL: server.URL + "/", Region: "eu-west-1", HTTP: client,
		Credentials: aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"},
		retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond }),
	}
}

func TestCall(t *testing.T) {
	c := caller(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if text := r.Header.Get("Authorization"); !strings.Contains(text, "/eu-west-1/lambda/aws4_request") && !strings.Contains(text, "/eu-west-1/sqs/aws4_request") {
			t.Errorf("signed %q", text)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"Is":"`+strings.NewReplacer(`"`, `'`).Replace(strings.Join([]string{
			r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("X-Amz-Target"), string(body),
		}, " "))+`"}`)
	})
	var answer struct{ Is string }
	in := map[string]any{"ZipFile": []byte("code")}
	if err := c.REST(t.Context(), "lambda", http.MethodPut, "/2017-03-31/tags/arn:a%2Fb?x=y", in, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Is != "PUT /2017-03-31/tags/arn:a%2Fb?x=y application/json  {'ZipFile':'Y29kZQ=='}" {
		t.Error(answer.Is)
	}
	if err := c.Target(t.Context(), "sqs", "1.0", "AmazonSQS.ListQueues", nil, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Is != "POST / application/x-amz-json-1.0 AmazonSQS.ListQueues " {
		t.Error(answer.Is)
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		header, body, code, message string
	}{
		{"ResourceNotFoundException", `{"Type":"User","Message":"no such thing"}`, "ResourceNotFoundException", "no such thing"},
		{"ConflictException:http://internal.amazon.com/", `{"message":"busy"}`, "ConflictException", "busy"},
		{"", `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no queue"}`, "QueueDoesNotExist", "no queue"},
		{"", `<html>`, "UnknownError", "the server answered 400 Bad Request"},
	} {
		calls := 0
		c := caller(t, func(w http.ResponseWriter, _ *http.Request) {
			calls++
			if test.header != "" {
				w.Header().Set("X-Amzn-Errortype", test.header)
			}
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, test.body)
		})
		err := c.REST(t.Context(), "lambda", http.MethodGet, "/x", nil, nil)
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != test.code || refused.ErrorMessage() != test.message || refused.ErrorFault() != smithy.FaultClient {
			t.Errorf("%s %s: %v", test.header, test.body, err)
		}
		if calls != 1 {
			t.Errorf("%s was called %d times", test.code, calls)
		}
	}
}

// TestRetries follows a throttle and a failure of the server by a success, and gives up one that goes on.
func TestRetries(t *testing.T) {
	calls := 0
	c := caller(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `"again"` {
			t.Errorf("%q, %v", body, err)
		}
		switch {
		case r.URL.Path == "/never":
			w.WriteHeader(http.StatusServiceUnavailable)
		case calls == 1:
			w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
			w.WriteHeader(http.StatusTooManyRequests)
		case calls == 2:
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	if err := c.REST(t.Context(), "lambda", http.MethodPost, "/x", "again", nil); err != nil || calls != 3 {
		t.Errorf("%v after %d calls", err, calls)
	}
	calls = 0
	if err := c.REST(t.Context(), "lambda", http.MethodPost, "/never", "again", nil); err == nil || calls != 3 {
		t.Errorf("%v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.REST(ctx, "lambda", http.MethodPost, "/x", "again", nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
