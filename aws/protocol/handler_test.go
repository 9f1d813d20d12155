package protocol_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/signature"
)

// call makes a Kinesis request with a signature.
func call(operation, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	sign(r)
	return r
}

func sign(r *http.Request) {
	r.Header.Set("X-Amz-Date", "20260101T000000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
}

func answer(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// message posts the body and returns the text of the error.
func message(t *testing.T, operation, body string) string {
	t.Helper()
	w := answer(newHandler(slog.New(slog.DiscardHandler)), call(operation, body))
	_, text, ok := strings.Cut(w.Body.String(), `essage":"`)
	if !ok {
		t.Fatalf("no message in %s", w.Body)
	}
	return strings.TrimSuffix(text, `"}`)
}

func TestRecordsBeyondTheBound(t *testing.T) {
	records := strings.TrimSuffix(strings.Repeat(`{"Data":"","PartitionKey":""},`, 501), ",")
	got := message(t, "PutRecords", `{"StreamName":"a","Records":[`+records+`]}`)
	want := "10 validation errors detected: Value at 'records' failed to satisfy constraint: Member must have length less than or equal to 500"
	for i := range 9 {
		want += fmt.Sprintf("; Value at 'records.%d.member.partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1", i+1)
	}
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestMembersOfRecords(t *testing.T) {
	for _, row := range []struct{ records, want string }{
		{`[]`, "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{`null`, "1 validation error detected: Value null at 'records' failed to satisfy constraint: Member must not be null"},
		{
			`[{}]`, "2 validation errors detected: Value null at 'records.1.member.data' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'records.1.member.partitionKey' failed to satisfy constraint: Member must not be null",
		},
		{
			`[{"Data":"","PartitionKey":"k"},{"Data":"","PartitionKey":null,"ExplicitHashKey":"01"}]`,
			"2 validation errors detected: Value '01' at 'records.2.member.explicitHashKey' failed to satisfy constraint: " +
				"Member must satisfy regular expression pattern: 0|([1-9]\\\\d{0,38}); " +
				"Value null at 'records.2.member.partitionKey' failed to satisfy constraint: Member must not be null",
		},
		{`["x"]`, "Expected null"},
		{`{}`, "Start of structure or map found where not expected."},
		{`[{"Data":"","PartitionKey":"k","ExplicitHashKey":5}]`, "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String"},
	} {
		if got := message(t, "PutRecords", `{"StreamName":"a","Records":`+row.records+`}`); got != row.want {
			t.Errorf("%s\n got %s\nwant %s", row.records, got, row.want)
		}
	}
}

func TestEnumsAreInAWSsOrder(t *testing.T) {
	got := message(t, "GetShardIterator", `{"ShardId":"s","ShardIteratorType":"NOW","StreamName":"a"}`)
	want := "1 validation error detected: Value 'NOW' at 'shardIteratorType' failed to satisfy constraint: " +
		"Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"
	if got != want {
		t.Error(got)
	}
}

func TestNestedMembers(t *testing.T) {
	got := message(t, "CreateStream", `{"StreamName":"a","StreamModeDetails":{},"Tags":{"":"x"}}`)
	want := "2 validation errors detected: Value null at 'streamModeDetails.streamMode' failed to satisfy constraint: Member must not be null; " +
		"Value '{=x}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: " +
		"[Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"
	if got != want {
		t.Error(got)
	}
}

// A failure goes whole to the log, and not to the client.
func TestFailuresAreLogged(t *testing.T) {
	for name, want := range map[string]string{"broken": "the disk said", "panic": "a door fell off"} {
		var log bytes.Buffer
		w := answer(newHandler(slog.New(slog.NewTextHandler(&log, nil))), call("CreateStream", `{"StreamName":"`+name+`"}`))
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), want) || !strings.Contains(log.String(), w.Result().Header.Get("X-Amzn-Requestid")) {
			t.Errorf("%s: log says %s", name, log.String())
		}
	}
}

func TestUnofferedIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	h := newHandler(slog.New(slog.NewTextHandler(&log, nil)))
	for range 3 {
		r := httptest.NewRequest(http.MethodPost, "/2020-04-22/code-signing-configs/", strings.NewReader("{}"))
		if w := answer(h, r); w.Code != http.StatusNotFound {
			t.Error(w.Code)
		}
	}
	if n := strings.Count(log.String(), "operation=CreateCodeSigningConfig"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// A body of unknown length may have as many bytes as the bound, and not one more.
func TestBodiesOfUnknownLength(t *testing.T) {
	service := kinesis.NewService(fakeKinesis{})
	service.MaxBodyBytes = 100_000
	h := protocol.NewHandler(protocol.Config{Log: slog.New(slog.DiscardHandler)}, service)
	for _, row := range []struct{ size, status int }{
		{30, 200}, {16 << 10, 200}, {16<<10 + 1, 200}, {99_999, 200}, {100_000, 200}, {100_001, 413}, {1 << 20, 413},
	} {
		body := `{"StreamName":"a"}`
		r := call("CreateStream", body+strings.Repeat(" ", row.size-len(body)))
		r.ContentLength = -1
		w := answer(h, r)
		//lint:ignore SA1008 AWS spells it so, and so it is set
		if w.Code != row.status || w.Code == 413 && w.Header()["x-amzn-RequestId"] != nil {
			t.Errorf("%d bytes: %d %v", row.size, w.Code, w.Header())
		}
	}
}

// A body that ends before its length is the client's fault; nothing is carried out.
func TestBodyCutShort(t *testing.T) {
	h := newHandler(slog.New(slog.DiscardHandler))
	r := call("CreateStream", `{"StreamName":"a"}`)
	r.ContentLength = 1000
	if w := answer(h, r); w.Code != http.StatusRequestTimeout {
		t.Error(w.Code, w.Body)
	}
}

// Requests that find no memory for their bodies wait, and are told to come again when it takes too long.
func TestMemoryOfBodiesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protocol.NewHandler(protocol.Config{
			Log: slog.New(slog.DiscardHandler), BodyMemory: 1000, BodyWait: 5 * time.Second,
		}, kinesis.NewService(fakeKinesis{}))
		first, held := io.Pipe()
		slow := call("CreateStream", "")
		slow.Body, slow.ContentLength = first, 900
		done := make(chan int, 2)
		serve := func(r *http.Request) { done <- answer(h, r).Code }
		go serve(slow)
		synctest.Wait()
		start := time.Now()
		body := `{"StreamName":"a"}` + strings.Repeat(" ", 200)
		if w := answer(h, call("CreateStream", body)); w.Code != http.StatusServiceUnavailable ||
			!strings.Contains(w.Body.String(), `"__type":"ServiceUnavailable"`) || time.Since(start) != 5*time.Second {
			t.Error(w.Code, w.Body, time.Since(start))
		}
		go serve(call("CreateStream", body))
		synctest.Wait()
		go func() {
			_, _ = io.WriteString(held, `{"StreamName":"a"}`+strings.Repeat(" ", 900-18))
			_ = held.Close()
		}()
		if a, b := <-done, <-done; a != 200 || b != 200 {
			t.Error(a, b)
		}
	})
}

// Clients that promise long bodies and do not send them leave the memory to others.
func TestPromisesHoldLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protocol.NewHandler(protocol.Config{
			Log: slog.New(slog.DiscardHandler), BodyMemory: 3 << 20, BodyWait: 5 * time.Second,
		}, kinesis.NewService(fakeKinesis{}))
		const promised, clients = 1_500_000, 10
		done := make(chan int, clients)
		for range clients {
			silent, leave := io.Pipe()
			defer leave.Close()
			r := call("CreateStream", "")
			r.Body, r.ContentLength = silent, promised
			go func() { done <- answer(h, r).Code }()
			go func() { _, _ = io.WriteString(leave, `{"StreamName":`) }()
		}
		synctest.Wait()
		start := time.Now()
		// The last is larger than the whole memory and waits for it in vain.
		for _, row := range []struct{ size, status int }{{100, 200}, {1_300_000, 200}, {4_000_000, 503}} {
			body := `{"StreamName":"a"}`
			if w := answer(h, call("CreateStream", body+strings.Repeat(" ", row.size-len(body)))); w.Code != row.status {
				t.Errorf("%d bytes: %d after %s", row.size, w.Code, time.Since(start))
			}
		}
		if time.Since(start) != 5*time.Second {
			t.Error(time.Since(start))
		}
		if len(done) > 0 {
			t.Error("a promise was answered")
		}
	})
}

// One that is larger than the whole memory passes alone.
func TestBodyLargerThanTheMemory(t *testing.T) {
	h := protocol.NewHandler(protocol.Config{Log: slog.New(slog.DiscardHandler), BodyMemory: 200_000}, kinesis.NewService(fakeKinesis{}))
	body := `{"StreamName":"a"}` + strings.Repeat(" ", 1_000_000)
	if w := answer(h, call("CreateStream", body)); w.Code != 200 {
		t.Error(w.Code)
	}
}

// The answers to a client that has gone away are not failures.
func TestClientLeft(t *testing.T) {
	var log bytes.Buffer
	h := protocol.NewHandler(protocol.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, lambda.NewService(waiting{}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequest(http.MethodGet, "/2015-03-31/functions/f", nil).WithContext(ctx)
	sign(r)
	answer(h, r)
	if log.Len() > 0 {
		t.Error(log.String())
	}
}

type waiting struct{ lambda.Operations }

func (waiting) GetFunction(ctx context.Context, _ *lambda.GetFunctionRequest) (*lambda.GetFunctionResponse, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("getting: %w", ctx.Err())
}

// An authenticator may refuse in AWS's words, and says whose account it is.
func TestAuthenticator(t *testing.T) {
	h := protocol.NewHandler(protocol.Config{Log: slog.New(slog.DiscardHandler), Region: "us-east-1", Authenticator: strict{}}, kinesis.NewService(fakeKinesis{}))
	good, bad := call("DescribeStreamSummary", `{"StreamName":"a"}`), call("DescribeStreamSummary", `{"StreamName":"b"}`)
	if w := answer(h, good); !strings.Contains(w.Body.String(), "arn:aws:kinesis:us-east-1:111122223333:stream/a") {
		t.Error(w.Body)
	}
	if w := answer(h, bad); w.Code != 400 || w.Body.String() != `{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}` {
		t.Error(w.Code, w.Body)
	}
}

type strict struct{}

func (strict) Authenticate(_ *http.Request, body []byte, s *signature.Signature, service string) (protocol.Caller, error) {
	if s.AccessKeyID == "k" && s.Date == "20260101" && s.Service == service && s.SignedHeaders == "host" && bytes.Contains(body, []byte(`"a"`)) {
		return protocol.Caller{Account: "111122223333"}, nil
	}
	return protocol.Caller{}, &signature.Fault{Kind: signature.Unknown}
}

func TestObserve(t *testing.T) {
	var seen []string
	h := protocol.NewHandler(protocol.Config{
		Log: slog.New(slog.DiscardHandler),
		Observe: func(c protocol.Call, a protocol.Answered) {
			seen = append(seen, fmt.Sprint(c.Service, " ", c.Operation, " ", a.Status, " ", a.Code))
		},
	}, kinesis.NewService(fakeKinesis{}))
	answer(h, call("CreateStream", `{"StreamName":"a"}`))
	answer(h, call("CreateStream", `{"StreamName":""}`))
	answer(h, call("CreateStream", `{"StreamName":"panic"}`))
	answer(h, call("MadeUp", `{}`))
	want := "[kinesis CreateStream 200  kinesis CreateStream 400 ValidationException kinesis CreateStream 500 InternalFailure kinesis  400 UnknownOperationException]"
	if fmt.Sprint(seen) != want {
		t.Error(seen)
	}
}

// A body that is claimed to be large and never comes costs no memory, and no handler for ever.
func TestLengthThatIsALie(t *testing.T) {
	server := httptest.NewServer(newHandler(slog.New(slog.DiscardHandler)))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: Kinesis_20131202.PutRecords\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2147483648\r\n\r\n")
	text, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 413 ") {
		t.Errorf("%s %v", text, err)
	}
}

// FuzzServe sends whatever comes to whatever operation: nothing of the wire may panic.
func FuzzServe(f *testing.F) {
	f.Add("PutRecords", `{"Records":[{"Data":"YQ==","PartitionKey":"k"}]}`, byte(0), "")
	f.Add("CreateFunction", `{"FunctionName":"f","Code":{"ZipFile":"UEs="},"Environment":{"Variables":{"a":"b"}}}`, byte(1), "f")
	f.Add("SendMessage", `Action=SendMessage&QueueUrl=u&MessageBody=b&MessageAttribute.1.Name=n`, byte(2), "")
	f.Add("PutRecords", "\xbf\x67Records\x81\xa2\x64Data\x41\x00\x6cPartitionKey\x61k\xff", byte(4), "")
	f.Add("ReceiveMessage", "\xa1\x68QueueUrl\x61u", byte(5), "")
	f.Add("SendMessageBatch", `{"QueueUrl":"u","Entries":[{"Id":"1"}]}`, byte(3), "")
	var log bytes.Buffer
	h := newHandler(slog.New(slog.NewTextHandler(&log, nil)))
	f.Fuzz(func(t *testing.T, operation, body string, way byte, path string) {
		r := call("x", body)
		switch way % 6 {
		case 0:
			r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
		case 1:
			r.Header.Del("X-Amz-Target")
			r.Method = []string{"GET", "POST", "PUT", "DELETE"}[way/6%4]
			r.URL.Path = "/2015-03-31/functions/" + path
		case 2:
			r.Header.Del("X-Amz-Target")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		case 3:
			r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
			r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		case 4:
			r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
			r.Header.Set("Content-Type", "application/x-amz-cbor-1.1")
		case 5:
			r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
			r.Header.Set("Content-Type", "application/cbor")
			r.URL.Path = "/service/FakeSQS/operation/" + operation
		}
		log.Reset()
		w := answer(h, r)
		// The fakes have not all methods; a panic outside of a door is the wire's own.
		if strings.Contains(log.String(), "panic while") && !strings.Contains(log.String(), "protocol.Handle") {
			t.Fatalf("%d %s %s", w.Code, w.Body, log.String())
		}
	})
}
