package dev_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/millrace/millrace/internal/dev"
	"github.com/millrace/millrace/internal/sdkhttp"
	"github.com/millrace/millrace/server"
)

// screen takes what is printed. Every write must be whole lines.
type screen struct {
	mu      sync.Mutex
	text    string
	torn    bool
	changed chan struct{} // closed at the next write
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.torn = s.torn || len(p) == 0 || p[len(p)-1] != '\n'
	s.text += string(p)
	close(s.changed)
	s.changed = make(chan struct{})
	return len(p), nil
}

func (s *screen) look() (text string, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text, s.changed
}

// count returns how many lines a function has whose text begins so.
func count(text, name, line string) int {
	return len(regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(name)+` +\| `+regexp.QuoteMeta(line)).FindAllString(text, -1))
}

// session is one run of millrace dev over a folder.
type session struct {
	t      *testing.T
	dir    string
	screen *screen
	client *kinesis.Client
	lambda *lambda.Client
	end    func()
}

// begin starts millrace dev over a folder, without waiting for the functions.
func begin(t *testing.T, dir string, change ...func(*dev.Options)) *session {
	t.Helper()
	s := &session{t: t, dir: dir, screen: &screen{changed: make(chan struct{})}}
	o := dev.Options{
		Dir: dir, Stdout: s.screen,
		Server: server.Config{Listen: "127.0.0.1:0", RuntimeMatch: "nearest"},
	}
	for _, c := range change {
		c(&o)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- dev.Run(ctx, o) }()
	s.end = sync.OnceFunc(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("dev ended with %v", err)
		}
		if s.screen.torn {
			t.Error("a line was not written whole")
		}
		if t.Failed() {
			t.Logf("printed:\n%s", s.screen.text)
		}
	})
	t.Cleanup(s.end)
	s.await("millrace", "serving the folders of", 1)
	text, _ := s.screen.look()
	url := regexp.MustCompile(`at (http://[0-9.:]+),`).FindStringSubmatch(text)
	if url == nil {
		t.Fatalf("no URL in %q", text)
	}
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: &url[1], HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("000000000000", "test", ""),
	}
	s.client, s.lambda = kinesis.NewFromConfig(config), lambda.NewFromConfig(config)
	return s
}

// await waits until a function has printed so many lines that begin so.
func (s *session) await(name, line string, times int) {
	s.t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		text, changed := s.screen.look()
		if count(text, name, line) >= times {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			s.t.Fatalf("%s did not print %q %d times", name, line, times)
		}
	}
}

// expect holds the number of such lines until now to what it should be.
func (s *session) expect(name, line string, times int) {
	s.t.Helper()
	text, _ := s.screen.look()
	if n := count(text, name, line); n != times {
		s.t.Errorf("%s printed %q %d times, not %d", name, line, n, times)
	}
}

func (s *session) put(stream, data string) {
	s.t.Helper()
	_, err := s.client.PutRecord(s.t.Context(), &kinesis.PutRecordInput{
		StreamName: &stream, PartitionKey: aws.String("key"), Data: []byte(data),
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// write writes a file of a folder, which it makes.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// needs skips a test where a program is missing.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); errors.Is(err, exec.ErrNotFound) {
			t.Skipf("there is no %s", p)
		}
	}
}

// Handlers that print a word and each record's data.

func python(word string) string {
	return fmt.Sprintf(`import base64

def handler(event, context):
    for record in event["Records"]:
        print(%q, base64.b64decode(record["kinesis"]["data"]).decode())
`, word)
}

func node(word string) string {
	return fmt.Sprintf(`export const handler = async (event) => {
  for (const record of event.Records) process.stdout.write(%q + ' ' + Buffer.from(record.kinesis.data, 'base64') + '\n');
};
`, word)
}

func shell(word string) string {
	return strings.ReplaceAll(`#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
headers=$(mktemp)
while :; do
  event=$(curl -sS -D "$headers" "$api/next") || exit 1
  id=$(tr -d '\r' < "$headers" | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p')
  for data in $(printf %s "$event" | grep -o '"data":"[^"]*"' | cut -d'"' -f4); do
    echo "WORD $(printf %s "$data" | base64 -d)"
  done
  curl -sS "$api/$id/response" -d null > /dev/null || exit 1
done
`, "WORD", word)
}

func golang(word string) string {
	return fmt.Sprintf(`package main

import (
	"os"
	"syscall"
)

func main() {
	panic(syscall.Exec("/bin/sh", []string{"sh", "-c", script}, os.Environ()))
}

const script = %s
`, "`"+shell(word)+"`")
}

// freeAddress returns a loopback address that nothing listens on at this moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// reserved returns the reserved concurrency of a function, 0 for none.
func (s *session) reserved(name string) int32 {
	s.t.Helper()
	c, err := s.lambda.GetFunctionConcurrency(s.t.Context(), &lambda.GetFunctionConcurrencyInput{FunctionName: &name})
	if err != nil {
		s.t.Fatal(err)
	}
	return aws.ToInt32(c.ReservedConcurrentExecutions)
}

// anyZip returns code that nobody runs.
func anyZip(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("bootstrap")
	if err == nil {
		_, err = w.Write([]byte("#!/bin/sh"))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
