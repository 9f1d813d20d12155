package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// TestKillNineKeepsLogs kills the server as soon as what a function printed is seen in its log, and as soon as a put of
// events was answered: both are there afterwards.
func TestKillNineKeepsLogs(t *testing.T) {
	h := newHouse(t)
	h.start()
	h.build(1)
	call := func(operation, body string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url, strings.NewReader(body))
		h.check(err)
		r.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0")
		r.Header.Set("X-Amz-Date", "20260101T000000Z")
		answer, err := http.DefaultClient.Do(r)
		h.check(err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		h.check(err)
		return string(text)
	}
	seen := func() string { return call("FilterLogEvents", `{"logGroupName":"/aws/lambda/ledger"}`) }
	var reports []string
	for n := range 3 {
		if n == 0 {
			h.await("the function can be invoked", func() bool {
				_, err := h.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("ledger"), Payload: []byte(`{"Records":[]}`)})
				return err == nil
			})
			call("CreateLogGroup", `{"logGroupName":"app"}`)
			call("CreateLogStream", `{"logGroupName":"app","logStreamName":"s"}`)
		} else {
			_, err := h.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("ledger"), Payload: []byte(`{"Records":[]}`)})
			h.check(err)
		}
		h.await("its report is in the log", func() bool { return strings.Count(seen(), "REPORT RequestId: ") > len(reports) })
		reports = append(reports, seen())
		now, err := json.Marshal(map[string]any{"logGroupName": "app", "logStreamName": "s", "logEvents": []map[string]any{{"timestamp": time.Now().UnixMilli(), "message": fmt.Sprint("put ", n)}}})
		h.check(err)
		if answer := call("PutLogEvents", string(now)); !strings.Contains(answer, "nextSequenceToken") {
			t.Fatal(answer)
		}
		h.kill()
		h.start()
		if got := seen(); got != reports[n] {
			t.Fatalf("after %d kills there is %s, and there was %s", n+1, got, reports[n])
		}
		if got := call("FilterLogEvents", `{"logGroupName":"app"}`); strings.Count(got, "put ") != n+1 {
			t.Fatalf("after %d kills there is %s", n+1, got)
		}
	}
	h.stop()
}
