package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// The records of a stream arrive at a URL, whose failures are retried; and another server's function is one of this one's.
func TestFunctionsElsewhere(t *testing.T) {
	events := make(chan string, 100)
	var calls atomic.Int32
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		events <- string(body)
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, `"done"`)
	}))
	defer service.Close()
	there, here := start(t), start(t)
	at := func(url string) string {
		return `,"Runtime":"provided.al2023","Handler":"x","Environment":{"Variables":{"MILLRACE_FUNCTION_URL":"` + url + `"}}`
	}
	make := func(url, name, at string) {
		t.Helper()
		if status, body := createFunction(t, url, name, zipped(t, "nothing"), at); status != 201 {
			t.Fatalf("CreateFunction answered %d %s", status, body)
		}
		awaitActive(t, url, name)
	}
	make(there, "far", at(service.URL))
	make(here, "near", at(there+"/2015-03-31/functions/far/invocations"))

	answer, body := invoke(t, here, "near", `{"n":1}`)
	if answer.StatusCode != 200 || answer.Header.Get("X-Amz-Function-Error") != "Unhandled" || !strings.Contains(body, "500 Internal Server Error") {
		t.Errorf("%v %s", answer.Header, body)
	}
	if t.Failed() {
		t.FailNow() // nothing may arrive
	}
	if event := <-events; event != `{"n":1}` {
		t.Errorf("the event is %s", event)
	}

	call(t, "POST", here+"/", "kinesis", "Kinesis_20131202.CreateStream", `{"StreamName":"s","ShardCount":1}`)
	eventually(t, "a record is put", func() bool {
		status, _ := call(t, "POST", here+"/", "kinesis", "Kinesis_20131202.PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"eA=="}`)
		return status == 200
	})
	if status, body := call(t, "POST", here+"/2015-03-31/event-source-mappings", "lambda", "",
		`{"EventSourceArn":"arn:aws:kinesis:us-east-1:000000000000:stream/s","FunctionName":"near","StartingPosition":"TRIM_HORIZON"}`); status != 202 {
		t.Fatalf("%d %s", status, body)
	}
	first, second := <-events, <-events
	var event struct {
		Records []struct{ Kinesis struct{ Data string } }
	}
	if err := json.Unmarshal([]byte(first), &event); err != nil || len(event.Records) != 1 || event.Records[0].Kinesis.Data != "eA==" || second != first {
		t.Errorf("%s then %s: %v", first, second, err)
	}
}
