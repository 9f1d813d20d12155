package lambda_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/sdkhttp"
)

// handler serves the door and its links as a server does.
func (h *house) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+lambda.CodePath+"{name}", h.door.CodeHandler())
	mux.Handle("/", h)
	return mux
}

// TestWithTheSDK leads a function through its life with AWS's own client, which judges every answer.
func TestWithTheSDK(t *testing.T) {
	h, stop := open(t, func(c *function.Config) { c.Concurrency = 1 })
	defer stop()
	server := httptest.NewServer(h.handler())
	defer server.Close()
	client := sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1, HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "secret", ""),
	})
	ctx := t.Context()

	created, err := client.CreateFunction(ctx, &sdk.CreateFunctionInput{
		FunctionName: aws.String("f"), Runtime: types.RuntimePython312, Handler: aws.String("main.echo"), Timeout: aws.Int32(7),
		Role: aws.String("arn:aws:iam::123456789012:role/r"), Code: &types.FunctionCode{ZipFile: zipped(t, "one")},
		Environment: &types.Environment{Variables: map[string]string{"KEY": "value"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if created.State != types.StatePending || *created.Timeout != 7 || created.Environment.Variables["KEY"] != "value" {
		t.Errorf("%+v", created)
	}
	active := sdk.NewFunctionActiveV2Waiter(client, func(o *sdk.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, 10*time.Millisecond
	})
	if err := active.Wait(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")}, time.Minute); err != nil {
		t.Fatal(err)
	}
	invoked, err := client.Invoke(ctx, &sdk.InvokeInput{FunctionName: created.FunctionArn, Payload: []byte(`{"a":1}`), LogType: types.LogTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(invoked.LogResult))
	if err != nil || string(invoked.Payload) != `{"a":1}` || *invoked.ExecutedVersion != "$LATEST" || invoked.StatusCode != 200 ||
		invoked.FunctionError != nil || !strings.Contains(string(log), "echoing\n") {
		t.Errorf("%+v, log %s, %v", invoked, log, err)
	}

	if _, err := client.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: zipped(t, "two")}); err != nil {
		t.Fatal(err)
	}
	updated := sdk.NewFunctionUpdatedV2Waiter(client, func(o *sdk.FunctionUpdatedV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, 10*time.Millisecond
	})
	if err := updated.Wait(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Handler: aws.String("fail")}); err != nil {
		t.Fatal(err)
	}
	if err := updated.Wait(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if failed, err := client.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("f")}); err != nil || aws.ToString(failed.FunctionError) != "Unhandled" {
		t.Errorf("%+v %v", failed, err)
	}
	fetchCode(ctx, t, client)
	expectSDKErrors(ctx, t, client)

	var names []string
	pages := sdk.NewListFunctionsPaginator(client, &sdk.ListFunctionsInput{MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Functions {
			names = append(names, *f.FunctionName)
		}
	}
	if strings.Join(names, " ") != "f" {
		t.Errorf("listed %v", names)
	}
	if _, err := client.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: aws.String("f")}); err != nil {
		t.Error(err)
	}
	var missing *types.ResourceNotFoundException
	if _, err := client.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")}); !errors.As(err, &missing) {
		t.Errorf("after the deletion: %v", err)
	}
}

// fetchCode follows the link to the code, and finds what was uploaded last.
func fetchCode(ctx context.Context, t *testing.T, client *sdk.Client) {
	t.Helper()
	got, err := client.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(*got.Code.Location)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	code, err := io.ReadAll(answer.Body)
	sum := sha256.Sum256(code)
	if err != nil || answer.StatusCode != 200 || string(code) != string(zipped(t, "two")) ||
		base64.StdEncoding.EncodeToString(sum[:]) != *got.Configuration.CodeSha256 {
		t.Errorf("code: %d, %d bytes, %v", answer.StatusCode, len(code), err)
	}
}

// expectSDKErrors makes the client see that its own types of errors come back.
func expectSDKErrors(ctx context.Context, t *testing.T, client *sdk.Client) {
	t.Helper()
	create := func() error {
		_, err := client.CreateFunction(ctx, &sdk.CreateFunctionInput{
			FunctionName: aws.String("f"), Runtime: types.RuntimePython312, Handler: aws.String("h"),
			Role: aws.String("arn:aws:iam::123456789012:role/r"), Code: &types.FunctionCode{ZipFile: zipped(t, "one")},
		})
		return err
	}
	var conflict *types.ResourceConflictException
	if err := create(); !errors.As(err, &conflict) || conflict.ErrorMessage() != "Function already exist: f" {
		t.Error(err)
	}
	var precondition *types.PreconditionFailedException
	if _, err := client.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), RevisionId: aws.String("x")}); !errors.As(err, &precondition) {
		t.Error(err)
	}
	var invalid *types.InvalidParameterValueException
	if _, err := client.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: []byte("no zip")}); !errors.As(err, &invalid) {
		t.Error(err)
	}
	var content *types.InvalidRequestContentException
	if _, err := client.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: []byte("{")}); !errors.As(err, &content) {
		t.Error(err)
	}
}

// Throttling reaches the client with its reason.
func TestThrottledBySDK(t *testing.T) {
	started := make(chan struct{})
	h, stop := open(t, func(c *function.Config) { c.Concurrency, c.Executor = 1, endless{started: started} })
	defer stop()
	if _, err := h.functions.Create(t.Context(), function.Function{
		Name:    function.Name{Account: "123456789012", Region: "eu-west-1", Name: "f"},
		Runtime: "python3.12", Handler: "h", Role: "r",
	}, zipped(t, "x")); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h.handler())
	defer server.Close()
	client := sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1, HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "secret", ""),
	})
	active := sdk.NewFunctionActiveV2Waiter(client, func(o *sdk.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, 10*time.Millisecond
	})
	if err := active.Wait(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("f")}, time.Minute); err != nil {
		t.Fatal(err)
	}
	runs := make(chan error, 1)
	go func() {
		_, err := h.functions.Invoke(context.Background(), function.Invocation{Ref: function.Ref{Name: function.Name{Account: "123456789012", Region: "eu-west-1", Name: "f"}}})
		runs <- err
	}()
	<-started
	_, err := client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f")})
	var throttled *types.TooManyRequestsException
	if !errors.As(err, &throttled) || throttled.Reason != types.ThrottleReasonConcurrentInvocationLimitExceeded || throttled.ErrorMessage() != "Rate Exceeded." {
		t.Error(err)
	}
	stop()
	if err := <-runs; !errors.Is(err, function.ErrStopped) {
		t.Error(err)
	}
}

// endless runs functions that end only when they are closed.
type endless struct {
	executor
	started chan struct{} // closed when one runs
}

func (e endless) Start(context.Context, function.Spec) (function.Instance, error) {
	return endlessInstance{e.started, make(chan struct{})}, nil
}

type endlessInstance struct{ started, closed chan struct{} }

func (i endlessInstance) Invoke(_ context.Context, r function.Request) (function.Response, error) {
	close(i.started)
	<-i.closed
	r.Settled()
	return function.Response{}, function.ErrInstanceGone
}

func (i endlessInstance) Done() <-chan struct{} { return i.closed }
func (i endlessInstance) Close()                { close(i.closed) }

// Links to code are good for ten minutes, and only for what they were made for.
func TestCodeLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := open(t, func(*function.Config) {})
		defer stop()
		handler := h.handler()
		for _, name := range []string{"f", "g"} {
			create(t, h, name)
		}
		answer := exchange(t, h, "GET /2015-03-31/functions/f")
		_, link, _ := strings.Cut(answer, `"Location":"http://localhost:4566`)
		link, _, _ = strings.Cut(link, `"`)
		link = strings.ReplaceAll(link, `\u0026`, "&")
		fetch := func(link string) int {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, link, nil))
			if w.Code == http.StatusOK && w.Body.String() != string(zipped(t, "f")) {
				t.Errorf("%s: other code", link)
			}
			return w.Code
		}
		for changed, want := range map[string]int{
			link: http.StatusOK, strings.Replace(link, "/f?", "/g?", 1): http.StatusForbidden,
			strings.Replace(link, "region=eu-west-1", "region=us-east-1", 1): http.StatusForbidden,
			strings.Replace(link, "expires=9", "expires=99", 1):              http.StatusForbidden,
			link[:strings.Index(link, "?")]:                                  http.StatusForbidden,
		} {
			if got := fetch(changed); got != want {
				t.Errorf("%s: %d, want %d", changed, got, want)
			}
		}
		<-time.After(10 * time.Minute)
		if got := fetch(link); got != http.StatusOK {
			t.Errorf("after 10 minutes: %d", got)
		}
		<-time.After(time.Second)
		if got := fetch(link); got != http.StatusForbidden {
			t.Errorf("a second later: %d", got)
		}
	})
}
