package server_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// loop is a bootstrap that answers each event with what a shell function called handle prints.
const loop = `#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
headers=$(mktemp "$HEADERS.XXXXXX")
while :; do
  event=$(curl -sS -D "$headers" "$api/next") || exit 1
  id=$(tr -d '\r' < "$headers" | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p')
  handle | curl -sS -X POST "$api/$id/response" --data-binary @- > /dev/null || exit 1
done
`

// deploy makes a function of a shell script that defines handle, and waits until it is active.
func deploy(t *testing.T, url, name, handle, settings string) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the functions of this test are shell scripts that use curl")
	}
	script := strings.Replace(loop, "\n", "\n"+handle+"\n", 1)
	status, body := createFunction(t, url, name, zipped(t, script), fmt.Sprintf(
		`,"Runtime":"provided.al2023","Handler":"x"%s,"Environment":{"Variables":{"HEADERS":%q}}`, settings, filepath.Join(exchange(t), "headers")))
	if status != 201 {
		t.Fatalf("CreateFunction answered %d %s", status, body)
	}
	awaitActive(t, url, name)
}

func invoke(t *testing.T, url, name, payload string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/2015-03-31/functions/"+name+"/invocations", strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", fmt.Sprintf(authorization, "lambda"))
	request.Header.Set("X-Amz-Date", "20260101T000000Z")
	request.Header.Set("X-Amz-Log-Type", "Tail")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer, readAll(t, answer)
}

func TestTimeoutEndsTheWholeGroup(t *testing.T) {
	url := start(t)
	// The handler starts a process of its own and waits for it, longer than the function may take.
	child := fmt.Sprintf("sleep 600.%d", os.Getpid())
	deploy(t, url, "slow", `handle() { `+child+` & wait; }`, `,"Timeout":1`)
	// On a busy machine the second may be over before the handler has begun.
	var answered chan string
	for begun, tries := false, 0; !begun; tries++ {
		if tries == 20 {
			t.Fatal("the handler never began in time")
		}
		answered = make(chan string, 1)
		go func() {
			answer, body := invoke(t, url, "slow", `{}`)
			answered <- answer.Header.Get("X-Amz-Function-Error") + " " + body
		}()
		eventually(t, "the grandchild runs", func() bool {
			begun = runs(t, child)
			return begun || len(answered) == 1
		})
	}
	if got := <-answered; !strings.HasPrefix(got, "Unhandled ") || !strings.Contains(got, `"errorType":"Sandbox.Timedout"`) ||
		!strings.Contains(got, "Task timed out after 1.00 seconds") {
		t.Errorf("answered %s", got)
	}
	eventually(t, "the grandchild is gone", func() bool { return !runs(t, child) })
}

// runs reports whether there is a process of this command line, in whatever namespace. A zombie has none.
func runs(t *testing.T, command string) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(lines, func(file string) bool {
		line, err := os.ReadFile(file)
		return err == nil && strings.ReplaceAll(strings.TrimRight(string(line), "\x00"), "\x00", " ") == command
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

func TestWarmInstanceAndLogTail(t *testing.T) {
	url := start(t)
	deploy(t, url, "count", `n=0; handle() { echo "seen $n" >&2; printf '{"pid":%d,"event":%s}' $$ "$event"; }`, ``)
	pid := func(body string) string { return strings.SplitN(body, ",", 2)[0] }
	_, first := invoke(t, url, "count", `{"a":1}`)
	answer, second := invoke(t, url, "count", `{"a":2}`)
	// An instance that takes long to ask for its next event is passed over, as on AWS: it is used once it has asked.
	seen := map[string]bool{pid(first): true}
	for range 20 {
		if seen[pid(second)] {
			break
		}
		seen[pid(second)] = true
		answer, second = invoke(t, url, "count", `{"a":2}`)
	}
	if !seen[pid(second)] {
		t.Error("no instance was used twice")
	}
	if !strings.Contains(first, `"event":{"a":1}`) || !strings.Contains(second, `"event":{"a":2}`) {
		t.Errorf("answered %s and %s", first, second)
	}
	tail, err := base64.StdEncoding.DecodeString(answer.Header.Get("X-Amz-Log-Result"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"START RequestId: ", "seen 0", "END RequestId: ", "REPORT RequestId: ", "Billed Duration: "} {
		if !strings.Contains(string(tail), want) {
			t.Errorf("the log tail %q lacks %q", tail, want)
		}
	}
	if strings.Contains(string(tail), "Init Duration") {
		t.Errorf("a warm invocation reports an initialization: %q", tail)
	}
}

func TestEnvironmentIsTheFunctionsOwn(t *testing.T) {
	t.Setenv("MILLRACE_SECRET", "of the server")
	url := start(t)
	deploy(t, url, "env", `handle() { env | sed 's/"//g;s/^/"/;s/$/",/' | tr -d '\n' | sed 's/^/[/;s/,$/]/'; }`, `,"MemorySize":256`)
	_, body := invoke(t, url, "env", `{}`)
	for _, want := range []string{
		"AWS_LAMBDA_FUNCTION_NAME=env", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_REGION=us-east-1", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/env", "AWS_ENDPOINT_URL=" + url, "_HANDLER=x", "LAMBDA_TASK_ROOT=",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the environment lacks %s: %s", want, body)
		}
	}
	if strings.Contains(body, "MILLRACE_SECRET") {
		t.Errorf("the server's environment leaks: %s", body)
	}
}

// TestConcurrencyLimit holds as many invocations as there may be, sees one more turned away, and lets them go.
// Facts: 4.8.
func TestConcurrencyLimit(t *testing.T) {
	url := startWith(t, func(c *config) { c.Concurrency = 2 })
	// Each instance makes a pipe and answers what is written to it.
	gates := exchange(t)
	deploy(t, url, "held", `handle() { gate=$(mktemp -u `+gates+`/XXXXXX); mkfifo "$gate"; cat "$gate"; }`, `,"Timeout":60`)
	var holding sync.WaitGroup
	for range 2 {
		holding.Go(func() {
			if _, body := invoke(t, url, "held", `{}`); body != "1" {
				t.Errorf("answered %s", body)
			}
		})
	}
	var held []os.DirEntry
	eventually(t, "both run", func() bool {
		var err error
		held, err = os.ReadDir(gates)
		return err == nil && len(held) == 2
	})
	answer, body := invoke(t, url, "held", `{}`)
	if answer.StatusCode != 429 || !strings.Contains(body, `"Reason":"ConcurrentInvocationLimitExceeded"`) || !strings.Contains(body, "Rate Exceeded.") {
		t.Errorf("one too many is answered %d %s", answer.StatusCode, body)
	}
	for _, gate := range held {
		if err := os.WriteFile(filepath.Join(gates, gate.Name()), []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
	}
	holding.Wait()
}
