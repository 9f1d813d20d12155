package mapping

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/millrace/millrace/stream"
)

// TestDocumentGolden writes each kind of document. Their keys, the order of these, and which are absent or null are as
// recorded from AWS.
// Facts: 3.3.7, 7.1.8, 7.2.1, 7.2.2, 7.2.3, 7.2.4, 7.2.6, 7.2.8, 7.2.9, 7.2.10, 10.2, 10.3, 10.4, 10.5, 10.23.
func TestDocumentGolden(t *testing.T) {
	records := []stream.Record{
		{Position: 1 << 16, Arrival: time.UnixMilli(1789809023187), PartitionKey: "a"},
		{Position: 2 << 16, Arrival: time.UnixMilli(1789809023999).Add(999 * time.Microsecond), PartitionKey: "b"},
	}
	base := document{
		RequestID:   "4b6d6f0e-0000-4000-8000-000000000000",
		FunctionARN: "arn:aws:lambda:us-east-1:111111111111:function:charge:$LATEST",
		Time:        time.Date(2026, 9, 19, 11, 10, 45, 948_000_000, time.FixedZone("CEST", 7200)),
		Shard:       testShard,
		SourceARN:   testSource.ARN(),
		Records:     records,
	}
	for name, change := range map[string]func(d *document){
		"document_retries.json": func(d *document) {
			d.Condition, d.InvokeCount, d.Response = retriesExhausted, 2, &response{ExecutedVersion: "$LATEST", FunctionError: "Unhandled"}
		},
		"document_no_error.json": func(d *document) {
			d.Condition, d.InvokeCount, d.Response = retriesExhausted, 4, &response{ExecutedVersion: "7"}
		},
		"document_age.json": func(d *document) { d.Condition, d.InvokeCount = ageExceeded, 8 },
		"document_bucket.json": func(d *document) {
			d.Condition, d.InvokeCount, d.Response = retriesExhausted, 1, &response{ExecutedVersion: "$LATEST", FunctionError: "Unhandled"}
			d.Event = newEventForm(testSource.ARN(), testSource.Region, testShard).whole(records, testRole, newEventForm(testSource.ARN(), testSource.Region, testShard).windowTail(nil, false))
		},
		"document_oversized.json": func(d *document) { d.Condition, d.InvokeCount, d.Records = retriesExhausted, 1, records[:1] },
		"document_window.json": func(d *document) {
			d.Condition, d.InvokeCount, d.Response = retriesExhausted, 2, &response{ExecutedVersion: "$LATEST"}
			d.Window = windowOf(records[0].Arrival, 2*time.Minute)
		},
		"document_final.json": func(d *document) {
			d.Condition, d.InvokeCount, d.Response = retriesExhausted, 2, &response{ExecutedVersion: "$LATEST", FunctionError: "Unhandled"}
			d.Window, d.Records = windowOf(records[0].Arrival, 2*time.Minute), nil
		},
		"document_early.json": func(d *document) {
			d.Condition, d.InvokeCount = ageExceeded, 1
			d.Window, d.Records = &tumbling{Start: 1789809000, End: 1789809060, State: make([]byte, maxState+1)}, nil
		},
	} {
		d := base
		change(&d)
		got := d.append(nil)
		if !json.Valid(got) {
			t.Errorf("%s is no JSON", name)
		}
		golden(t, name, got)
	}
}
