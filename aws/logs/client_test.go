package logs_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/logs"
)

// serve puts a house on a socket of the loopback.
func serve(t *testing.T) (*logs.Service, string) {
	t.Helper()
	room, h := newHouse(t, clockwork.NewRealClock())
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return room, server.URL
}

func environment() []string {
	return append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "PYTHONUNBUFFERED=1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		t.Skip("no boto3 for ", python)
	}
	_, url := serve(t)
	command := exec.Command(python, "testdata/boto3_test.py", url)
	command.Env = environment()
	if out, err := command.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestCLI looks at a group with the second version of the aws command, which has logs tail.
func TestCLI(t *testing.T) {
	t.Parallel()
	const aws = "/usr/bin/aws"
	if out, err := exec.Command(aws, "--version").Output(); err != nil || !strings.HasPrefix(string(out), "aws-cli/2") {
		t.Skip("no aws command of version 2")
	}
	room, url := serve(t)
	group := logs.Name{Scope: logs.Scope{Account: "000000000000", Region: "us-east-1"}, Group: "/aws/lambda/f"}
	if err := room.CreateGroup(t.Context(), group, logs.Settings{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"s", "t"} {
		if err := room.CreateStream(t.Context(), group, name); err != nil {
			t.Fatal(err)
		}
	}
	put := func(stream, message string) {
		t.Helper()
		if _, err := room.Put(t.Context(), group, stream, []logs.Event{{Time: time.Now(), Message: message + "\n"}}); err != nil {
			t.Fatal(err)
		}
	}
	cli := func(args ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), aws, append([]string{"--endpoint-url", url, "logs"}, args...)...)
		c.Env = environment()
		return c
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := cli(args...).CombinedOutput()
		if err != nil {
			t.Errorf("aws logs %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	put("s", "first ERROR")
	put("t", "second")
	var others sync.WaitGroup // the command takes seconds to start
	for want, args := range map[string][]string{
		"first ERROR": {"filter-log-events", "--log-group-name", group.Group, "--filter-pattern", "ERROR", "--query", "events[].message", "--output", "text"},
		"second":      {"get-log-events", "--log-group-name", group.Group, "--log-stream-name", "t", "--query", "events[].message", "--output", "text"},
	} {
		others.Go(func() {
			if got := run(args...); got != want {
				t.Errorf("%s: %s", args[0], got)
			}
		})
	}
	follow := cli("tail", group.Group, "--follow", "--format", "short")
	out, err := follow.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, want := range []string{"first ERROR", "second", "third"} {
		if !lines.Scan() || !strings.HasSuffix(lines.Text(), " "+want) {
			t.Errorf("tail --follow: %q, not %s: %v", lines.Text(), want, lines.Err())
		}
		if want == "second" {
			put("s", "third")
		}
	}
	_ = follow.Process.Kill()
	_ = follow.Wait()
	others.Wait()
}

// TestLiveTail reads the frames of a live tail.
func TestLiveTail(t *testing.T) {
	room, url := serve(t)
	group := logs.Name{Scope: logs.Scope{Account: "000000000000", Region: "us-east-1"}, Group: "g"}
	if err := room.CreateGroup(t.Context(), group, logs.Settings{}); err != nil {
		t.Fatal(err)
	}
	if err := room.CreateStream(t.Context(), group, "s"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const identifier = "arn:aws:logs:us-east-1:000000000000:log-group:g"
	body := `{"logGroupIdentifiers":["` + identifier + `"],"logEventFilterPattern":"ERROR"}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "Logs_20140328.StartLiveTail")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	scope.Sign(r)
	r.Host = "stream-localhost" // clients put this in front of the endpoint's host
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	decoder := eventstream.NewDecoder()
	next := func() (name string, document map[string]any) {
		t.Helper()
		m, err := decoder.Decode(answer.Body, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(m.Payload, &document); err != nil {
			t.Fatalf("%s: %v", m.Payload, err)
		}
		return m.Headers.Get(":event-type").String(), document
	}
	if name, _ := next(); name != "initial-response" {
		t.Error(name)
	}
	name, start := next()
	if name != "sessionStart" || start["logEventFilterPattern"] != "ERROR" || start["sessionId"] == "" {
		t.Error(name, start)
	}
	for _, message := range []string{"fine", "an ERROR"} {
		if _, err := room.Put(t.Context(), group, "s", []logs.Event{{Time: time.Now(), Message: message}}); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	for len(seen) == 0 {
		name, update := next()
		if name != "sessionUpdate" || fmt.Sprint(update["sessionMetadata"]) != "map[sampled:false]" {
			t.Fatal(name, update)
		}
		for _, e := range update["sessionResults"].([]any) {
			e := e.(map[string]any)
			seen = append(seen, fmt.Sprint(e["logGroupIdentifier"], " ", e["logStreamName"], " ", e["message"]))
		}
	}
	if !slices.Equal(seen, []string{"000000000000:g s an ERROR"}) {
		t.Error(seen)
	}
	room.EndTails()
	for range 2 { // an update may be under way
		if _, err = decoder.Decode(answer.Body, nil); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("the tail goes on")
	}
}
