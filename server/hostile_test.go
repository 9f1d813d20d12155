package server_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/server"
)

type config = server.Config

// start runs a server in memory for the length of the test and returns its address.
func start(t *testing.T) string {
	t.Helper()
	return startWith(t, func(*config) {})
}

// exchange makes a folder in which functions may write, whoever they run as. It lies in the one that servers of the test share.
func exchange(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(folder, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// startWith does the same with other settings.
func startWith(t *testing.T, change func(*config)) string {
	t.Helper()
	c := config{Listen: "127.0.0.1:0", Memory: true, StopGrace: 2 * time.Second, Shared: []string{filepath.Dir(exchange(t))}}
	change(&c)
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("the server stopped with %v", err)
		}
	})
	return s.URL()
}

const authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/%s/aws4_request, SignedHeaders=host;x-amz-date, Signature=0"

// call makes a request as a signed client would and returns the status and the body.
func call(t *testing.T, method, url, service, target, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", fmt.Sprintf(authorization, service))
	request.Header.Set("X-Amz-Date", "20260101T000000Z")
	if target != "" {
		request.Header.Set("X-Amz-Target", target)
		request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, readAll(t, answer)
}

func readAll(t *testing.T, answer *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBadRequestsGetTheErrorsOfAWS(t *testing.T) {
	url := start(t)
	const put = "Kinesis_20131202.PutRecord"
	for _, c := range []struct {
		name, target, body string
		status             int
		want               string
	}{
		{"garbage", put, `{"StreamName":`, 400, `{"__type":"SerializationException"}`},
		{"not an object", put, `[]`, 400, `{"__type":"SerializationException"}`},
		{"no body", put, ``, 400, `{"__type":"SerializationException"}`},
		{"unknown operation", "Kinesis_20131202.PutRecordz", `{}`, 400, `{"__type":"UnknownOperationException"}`},
		{"unknown service", "Kinesis_20130901.PutRecord", `{}`, 400, `{"__type":"UnknownOperationException"}`},
		{"wrong type", put, `{"StreamName":7}`, 400, `class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String`},
		{"missing members", put, `{}`, 400, `Member must not be null`},
		{"unknown stream", put, `{"StreamName":"none","PartitionKey":"a","Data":""}`, 400, `Stream none under account 000000000000 not found.`},
		{"ten million shards", "Kinesis_20131202.CreateStream", `{"StreamName":"s","ShardCount":10000000}`, 400, `LimitExceededException`},
		{"garbage iterator", "Kinesis_20131202.GetRecords", `{"ShardIterator":"AAAA"}`, 400, `Invalid ShardIterator.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := call(t, http.MethodPost, url, "kinesis", c.target, c.body)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("answered %d %s, want %d with %s", status, body, c.status, c.want)
			}
		})
	}
}

// TestHugeLengthIsRefusedUnread sends only the header of a body of 2 GB.
func TestHugeLengthIsRefusedUnread(t *testing.T) {
	url := start(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	connection, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(connection, "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Kinesis_20131202.PutRecord\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2147483648\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %s, want 413", answer.Status)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc) - int64(before.TotalAlloc); grown > 16<<20 {
		t.Errorf("%d bytes were allocated for a body that was never read", grown)
	}
}

func createFunction(t *testing.T, url, name string, code []byte, settings string) (int, string) {
	t.Helper()
	return call(t, http.MethodPost, url+"/2015-03-31/functions", "lambda", "", fmt.Sprintf(
		`{"FunctionName":%q,"Role":"arn:aws:iam::000000000000:role/r","Code":{"ZipFile":%q}%s}`,
		name, base64.StdEncoding.EncodeToString(code), settings))
}

const shell = `,"Runtime":"provided.al2023","Handler":"x","Timeout":5`

func zipped(t *testing.T, bootstrap string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err == nil {
		_, err = io.WriteString(f, bootstrap)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBadFunctionsGetTheErrorsOfAWS(t *testing.T) {
	url := start(t)
	status, body := createFunction(t, url, "f", []byte("no zip"), shell)
	if status != 400 || !strings.Contains(body, "Could not unzip uploaded file. Please check your file, then try to upload again.") {
		t.Errorf("a bad zip is answered %d %s", status, body)
	}
	status, body = createFunction(t, url, "f", zipped(t, ""), `,"Runtime":"provided.al2023"`)
	if status != 400 || !strings.Contains(body, "Runtime and Handler are mandatory parameters for functions created with deployment packages.") {
		t.Errorf("a missing handler is answered %d %s", status, body)
	}
	status, body = call(t, http.MethodPost, url+"/2015-03-31/functions/none/invocations", "lambda", "", `{}`)
	if status != 404 || !strings.Contains(body, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none") {
		t.Errorf("an unknown function is answered %d %s", status, body)
	}
}

// TestCrashLoop invokes a function whose process ends at once, again and again: each time the answer is the function's
// error, and the server goes on.
func TestCrashLoop(t *testing.T) {
	url := start(t)
	if status, body := createFunction(t, url, "crash", zipped(t, "#!/bin/sh\nexit 3\n"), shell); status != 201 {
		t.Fatalf("CreateFunction answered %d %s", status, body)
	}
	awaitActive(t, url, "crash")
	for range 20 {
		status, body := call(t, http.MethodPost, url+"/2015-03-31/functions/crash/invocations", "lambda", "", `{}`)
		if status != 200 || !strings.Contains(body, "exit status 3") {
			t.Fatalf("answered %d %s", status, body)
		}
	}
	if status, body := call(t, http.MethodGet, url+"/_millrace/health", "", "", ""); status != 200 {
		t.Errorf("health answers %d %s", status, body)
	}
}

func awaitActive(t *testing.T, url, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		_, body := call(t, http.MethodGet, url+"/2015-03-31/functions/"+name+"/configuration", "lambda", "", "")
		if strings.Contains(body, `"State":"Active"`) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is not active: %s", name, body)
		case <-tick.C:
		}
	}
}
