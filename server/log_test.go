package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// eventsOf returns the events of a log group, each behind its stream.
func eventsOf(t *testing.T, url, group string) (streams, messages []string) {
	t.Helper()
	status, body := call(t, "POST", url, "logs", "Logs_20140328.FilterLogEvents", fmt.Sprintf(`{"logGroupName":%q}`, group))
	if status == 400 && strings.Contains(body, "ResourceNotFoundException") {
		return nil, nil
	}
	var page struct {
		Events []struct{ LogStreamName, Message string }
	}
	if err := json.Unmarshal([]byte(body), &page); status != 200 || err != nil {
		t.Fatalf("FilterLogEvents answered %d %s", status, body)
	}
	for _, e := range page.Events {
		streams, messages = append(streams, e.LogStreamName), append(messages, e.Message)
	}
	return streams, messages
}

// What a function prints lands in its group, in order, between the platform's lines, and the tail of an invocation is a
// part of it.
func TestPrintedLinesLandInTheLog(t *testing.T) {
	url := start(t)
	deploy(t, url, "talk", `handle() { printf 'to stdout\nwith \r inside\n\n' > /proc/$$/fd/1; printf 'unfinished' >&2; echo '"said"'; }`, ``)
	answer, _ := invoke(t, url, "talk", `{}`)
	first, err := base64.StdEncoding.DecodeString(answer.Header.Get("X-Amz-Log-Result"))
	if err != nil {
		t.Fatal(err)
	}
	id := answer.Header.Get("X-Amzn-Requestid")
	invoke(t, url, "talk", `{}`)
	var streams, messages []string
	eventually(t, "all is in the log", func() bool {
		streams, messages = eventsOf(t, url, "/aws/lambda/talk")
		return strings.Count(strings.Join(messages, ""), "REPORT RequestId: ") == 2
	})
	want := []string{
		`INIT_START Runtime Version: provided:al2023\.v1\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n`,
		`START RequestId: ` + id + ` Version: \$LATEST\n`, `to stdout\n`, `with \r inside\n`, `\n`, `unfinished\n`,
		`END RequestId: ` + id + `\n`,
		`REPORT RequestId: ` + id + `\tDuration: [0-9.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [0-9.]+ ms\t\n`,
		`START RequestId: [0-9a-f-]{36} Version: \$LATEST\n`,
	}
	for i, pattern := range want {
		if i >= len(messages) || !regexp.MustCompile(`^`+pattern+`$`).MatchString(messages[i]) {
			t.Fatalf("event %d is not %s in %q", i, pattern, messages)
		}
		if !regexp.MustCompile(`^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`).MatchString(streams[i]) || streams[i] != streams[0] {
			t.Errorf("event %d is in stream %s", i, streams[i])
		}
	}
	if tail := strings.Join(messages[1:8], ""); string(first) != tail {
		t.Errorf("the tail is %q, the log %q", first, tail)
	}
}

// A function can have another group; a failure is one event; a deleted group comes back.
func TestLogGroupOfAFunction(t *testing.T) {
	url := start(t)
	deploy(t, url, "slow", `handle() { sleep 600; }`, `,"Timeout":1,"LoggingConfig":{"LogGroup":"shared/logs"}`)
	for range 2 {
		answer, _ := invoke(t, url, "slow", `{}`)
		id := answer.Header.Get("X-Amzn-Requestid")
		var messages []string
		eventually(t, "the failure is in the log", func() bool {
			_, messages = eventsOf(t, url, "shared/logs")
			return strings.Contains(strings.Join(messages, ""), "\tStatus: timeout\n")
		})
		if !regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ` + id + ` Task timed out after 1\.00 seconds\n\n$`).MatchString(messages[2]) {
			t.Errorf("%q", messages)
		}
		if status, body := call(t, "POST", url, "logs", "Logs_20140328.DeleteLogGroup", `{"logGroupName":"shared/logs"}`); status != 200 {
			t.Fatal(status, body)
		}
	}
	if _, messages := eventsOf(t, url, "/aws/lambda/slow"); messages != nil {
		t.Errorf("in the other group: %q", messages)
	}
	if bytes, _ := sum(t, url, "AWS/Logs", "IncomingBytes", "LogGroupName", "shared/logs"); bytes == 0 {
		t.Error("nothing was measured")
	}
}
