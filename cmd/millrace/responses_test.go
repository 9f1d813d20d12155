package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// countingHandler names records that begin with "bad" as failed, and keeps in its window's state how often it took each.
// It writes every event down before it answers.
const countingHandler = `
import base64, json, os

def handler(event, context):
    labels = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    with open(os.environ["LEDGER"], "a") as ledger:
        ledger.write(json.dumps({
            "Request": context.aws_request_id, "Labels": labels, "State": event.get("state"),
            "Final": event.get("isFinalInvokeForWindow", False),
        }) + "\n")
    state = event.get("state", {})
    for record, label in zip(event["Records"], labels):
        if label.startswith("bad"):
            return {"state": state, "batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
        state[label] = state.get(label, 0) + 1
    return {"state": state, "batchItemFailures": []}
`

// call is an invocation in the ledger of the handler.
type call struct {
	Request string
	Labels  []string
	State   map[string]int
	Final   bool
}

// mapPython maps a new stream of one shard to the handler.
func (h *house) mapPython(settings lambda.CreateEventSourceMappingInput) {
	h.t.Helper()
	ctx := h.t.Context()
	_, err := h.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("counted"), ShardCount: aws.Int32(1)})
	h.check(err)
	var code bytes.Buffer
	archive := zip.NewWriter(&code)
	file, err := archive.Create("index.py")
	h.check(err)
	_, err = file.Write([]byte(countingHandler))
	h.check(err)
	h.check(archive.Close())
	_, err = h.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("counting"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Timeout: aws.Int32(30),
		Runtime: lambdatypes.RuntimePython312, Handler: aws.String("index.handler"), Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"LEDGER": h.ledger}},
	})
	h.check(err)
	h.await("the stream", func() bool {
		d, err := h.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("counted")})
		h.check(err)
		settings.EventSourceArn = d.StreamDescriptionSummary.StreamARN
		return d.StreamDescriptionSummary.StreamStatus == kinesistypes.StreamStatusActive
	})
	settings.FunctionName, settings.StartingPosition = aws.String("counting"), lambdatypes.EventSourcePositionTrimHorizon
	settings.FunctionResponseTypes = []lambdatypes.FunctionResponseType{lambdatypes.FunctionResponseTypeReportBatchItemFailures}
	_, err = h.lambda.CreateEventSourceMapping(ctx, &settings)
	h.check(err)
}

func (h *house) putLabels(labels ...string) {
	h.t.Helper()
	entries := make([]kinesistypes.PutRecordsRequestEntry, len(labels))
	for i, label := range labels {
		entries[i] = kinesistypes.PutRecordsRequestEntry{Data: []byte(label), PartitionKey: aws.String(label)}
	}
	_, err := h.kinesis.PutRecords(h.t.Context(), &kinesis.PutRecordsInput{StreamName: aws.String("counted"), Records: entries})
	h.check(err)
}

// calls reads the ledger. A line that a killed process has left unfinished is passed over.
func (h *house) calls() (calls []call) {
	h.t.Helper()
	text, err := os.ReadFile(h.ledger)
	if err != nil && !os.IsNotExist(err) {
		h.t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var c call
		if json.Unmarshal(lines.Bytes(), &c) == nil {
			calls = append(calls, c)
		}
	}
	return calls
}

// TestBatchItemFailures runs a real handler that names a failed item: what lies before it is done, it and what follows
// come again under another request id, and after its retries both are given up.
// Facts: 5.4.6.
func TestBatchItemFailures(t *testing.T) {
	h := newHouse(t)
	h.start()
	h.mapPython(lambda.CreateEventSourceMappingInput{MaximumRetryAttempts: aws.Int32(1)})
	h.putLabels("a", "b", "bad", "c")
	h.await("the first event", func() bool { return len(h.calls()) > 0 })
	h.putLabels("last")
	h.await("the last record", func() bool {
		calls := h.calls()
		return len(calls) > 0 && slices.Contains(calls[len(calls)-1].Labels, "last") && calls[len(calls)-1].Labels[0] != "bad"
	})
	h.stop()
	var events, requests []string
	for _, c := range h.calls() {
		events = append(events, strings.Join(c.Labels, " "))
		requests = append(requests, c.Request)
	}
	want := []string{"a b bad c", "bad c", "bad c", "last"}
	if !slices.Equal(events, want) {
		t.Fatalf("%q, not %q", events, want)
	}
	if requests[0] == requests[1] || requests[1] != requests[2] || requests[2] == requests[3] {
		t.Errorf("request ids: %q", requests)
	}
}

// TestWindowSurvivesKillNine kills the server while a window is open. In the final states every record is counted once.
func TestWindowSurvivesKillNine(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some five seconds")
	}
	h := newHouse(t)
	h.start()
	h.mapPython(lambda.CreateEventSourceMappingInput{TumblingWindowInSeconds: aws.Int32(2)})
	labels := []string{"a", "b", "c", "d"}
	for i, label := range labels {
		h.putLabels(label)
		h.await(label, func() bool {
			return slices.ContainsFunc(h.calls(), func(c call) bool { return slices.Contains(c.Labels, label) })
		})
		if i == 1 {
			h.kill()
			h.start()
		}
	}
	h.await("the final states", func() bool { return len(finalCounts(h.calls())) == len(labels) })
	h.stop()
	for label, n := range finalCounts(h.calls()) {
		if n != 1 {
			t.Errorf("%s is counted %d times", label, n)
		}
	}
}

// finalCounts adds up the final states. One that is the same as another was repeated after a kill.
func finalCounts(calls []call) map[string]int {
	counts, known := map[string]int{}, map[string]bool{}
	for _, c := range calls {
		text, _ := json.Marshal(c.State)
		if !c.Final || known[string(text)] {
			continue
		}
		known[string(text)] = true
		for label, n := range c.State {
			counts[label] += n
		}
	}
	return counts
}
