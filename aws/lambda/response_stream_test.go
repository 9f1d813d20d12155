package lambda_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/millrace/millrace/function"
)

// TestResponseStream reads streamed responses with AWS's client, over a socket.
func TestResponseStream(t *testing.T) {
	h, stop := open(t, func(*function.Config) {})
	defer stop()
	server := httptest.NewServer(h)
	defer server.Close()
	client := streamClient(server.URL)
	for i, c := range []struct{ handler, payload, want string }{
		{"stream", `{}`, `[one ][two]end <nil> <nil>`},
		{"stream-then-fail", `{}`, `[one ][two]end Unhandled {"errorMessage":"late","errorType":"Exception"}`},
		{"main.echo", `{"a":1}`, `[{"a":1}]end <nil> <nil>`},
		{"fail", `{}`, `end Unhandled {"errorMessage":"no","errorType":"Exception"}`},
		{"crash", `{}`, `end Unhandled {"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 1"}`},
	} {
		name := aws.String(fmt.Sprintf("f%d", i))
		deployed(t, client, *name, c.handler)
		out, err := client.InvokeWithResponseStream(t.Context(), &sdk.InvokeWithResponseStreamInput{
			FunctionName: name, Payload: []byte(c.payload), LogType: types.LogTypeTail,
		})
		if err != nil {
			t.Errorf("%s: %v", c.handler, err)
			continue
		}
		got := ""
		for event := range out.GetStream().Events() {
			switch e := event.(type) {
			case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
				got += "[" + string(e.Value.Payload) + "]"
			case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
				got += "end " + shown(e.Value.ErrorCode) + " " + ids.ReplaceAllString(shown(e.Value.ErrorDetails), "RequestId: ID")
				if e.Value.LogResult == nil {
					t.Errorf("%s: no log", c.handler)
				}
			default:
				got += fmt.Sprintf("%T", e)
			}
		}
		if err := out.GetStream().Err(); err != nil || got != c.want || *out.ExecutedVersion != "$LATEST" || out.StatusCode != 200 {
			t.Errorf("%s: %s %v, version %s, status %d", c.handler, got, err, *out.ExecutedVersion, out.StatusCode)
		}
		_ = out.GetStream().Close()
	}
	_, err := client.InvokeWithResponseStream(t.Context(), &sdk.InvokeWithResponseStreamInput{FunctionName: aws.String("none")})
	if !errors.As(err, new(*types.ResourceNotFoundException)) {
		t.Errorf("of no function: %v", err)
	}
	_, err = client.InvokeWithResponseStream(t.Context(), &sdk.InvokeWithResponseStreamInput{FunctionName: aws.String("f0"), Payload: []byte("{")})
	if !errors.As(err, new(*types.InvalidRequestContentException)) {
		t.Errorf("of no JSON: %v", err)
	}
	_, err = client.InvokeWithResponseStream(t.Context(), &sdk.InvokeWithResponseStreamInput{FunctionName: aws.String("f0")}, func(o *sdk.Options) {
		o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue("X-Amzn-Trace-Id", circle("f0", 16)))
	})
	if !errors.As(err, new(*types.RecursiveInvocationException)) {
		t.Errorf("in a circle: %v", err)
	}
}

func shown(s *string) string {
	if s == nil {
		return "<nil>"
	}
	return *s
}

// TestResponseStreamIsLeft: a function whose caller has left goes on to its end, to nobody.
func TestResponseStreamIsLeft(t *testing.T) {
	h, stop := open(t, func(*function.Config) {})
	server := httptest.NewServer(h)
	client := streamClient(server.URL)
	deployed(t, client, "f", "stream")
	out, err := client.InvokeWithResponseStream(t.Context(), &sdk.InvokeWithResponseStreamInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	<-out.GetStream().Events()
	_ = out.GetStream().Close()
	server.Close() // waits for the request, which waits for the function
	stop()
}

func streamClient(url string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "secret", ""),
	})
}

// deployed makes a function and waits until it is active.
func deployed(t *testing.T, client *sdk.Client, name, handler string) {
	t.Helper()
	if _, err := client.CreateFunction(t.Context(), &sdk.CreateFunctionInput{
		FunctionName: &name, Runtime: types.RuntimePython312, Handler: &handler, Role: aws.String("arn:aws:iam::123456789012:role/r"),
		Code: &types.FunctionCode{ZipFile: zipped(t, "x")},
	}); err != nil {
		t.Fatal(err)
	}
	if err := sdk.NewFunctionActiveV2Waiter(client).Wait(t.Context(), &sdk.GetFunctionInput{FunctionName: &name}, time.Minute, func(o *sdk.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, time.Millisecond
	}); err != nil {
		t.Fatal(err)
	}
}
