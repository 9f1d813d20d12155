package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// trail is what this test reads of a batch.
type trail struct {
	ID       string
	Outcome  string
	Records  int
	Parent   string
	Children []string
	Attempts []attempt
}

type attempt struct {
	RequestID string `json:"request_id"`
	Outcome   string
	LogGroup  string `json:"log_group"`
	LogStream string `json:"log_stream"`
}

// reached returns the attempts that were made when the function had become active.
func reached(all []attempt) []attempt {
	return slices.DeleteFunc(slices.Clone(all), func(a attempt) bool { return a.Outcome == "unreached" })
}

// kept is what it reads of a discarded one.
type kept struct {
	ID, Condition string
	RecordsKept   bool `json:"records_kept"`
	Records       int
	Attempts      []attempt
}

// page reads a page below those of the mapping, and answers its status.
func (h *house) page(path string, into any) int {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/_millrace/mappings/"+path, http.NoBody)
	h.check(err)
	answer, err := http.DefaultClient.Do(request)
	h.check(err)
	defer answer.Body.Close()
	if got := answer.Header.Get("Content-Type"); got != "application/json" {
		h.t.Errorf("%s is %q", path, got)
	}
	h.check(json.NewDecoder(answer.Body).Decode(into))
	return answer.StatusCode
}

// TestHistoryPages leads a poison record through bisection, and reads what the pages tell of it: before a kill, and
// after it what is durable.
func TestHistoryPages(t *testing.T) {
	h := newHouse(t)
	h.start()
	h.mapPython(lambda.CreateEventSourceMappingInput{
		MaximumRetryAttempts: aws.Int32(1), BisectBatchOnFunctionError: aws.Bool(true), BatchSize: aws.Int32(2),
	})
	list, err := h.lambda.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{})
	h.check(err)
	uuid := *list.EventSourceMappings[0].UUID
	h.putLabels("bad", "b")
	var discarded struct {
		Discarded []kept
		Cursor    string
	}
	h.await("the poison record to be given up", func() bool {
		h.page(uuid+"/discarded", &discarded)
		return len(discarded.Discarded) == 1
	})
	h.putLabels("c")
	var batches struct {
		Batches []trail
		Cursor  string
	}
	h.await("the next batch", func() bool {
		h.page(uuid+"/batches?outcome=delivered", &batches)
		return len(batches.Batches) == 2
	})
	h.page(uuid+"/batches", &batches)
	h.checkTrails(batches.Batches)

	var one trail
	if status := h.page(uuid+"/batches/"+batches.Batches[0].ID, &one); status != 200 || one.ID != batches.Batches[0].ID {
		t.Errorf("%d %+v", status, one)
	}
	batches.Cursor = ""
	if h.page(uuid+"/batches?limit=1&shard=shardId-000000000000&since=2020-01-01T00:00:00Z", &batches); len(batches.Batches) != 1 || batches.Cursor == "" {
		t.Fatalf("%+v", batches)
	}
	first := batches.Batches[0].ID
	if h.page(uuid+"/batches?limit=1&cursor="+batches.Cursor, &batches); len(batches.Batches) != 1 || batches.Batches[0].ID >= first {
		t.Errorf("%+v", batches)
	}
	h.checkRefusals(uuid)

	h.kill()
	h.start()
	h.checkKept(uuid)
	var mapping struct {
		Waiting struct {
			Lanes []struct {
				ShardID string `json:"shard_id"`
				For     string
			}
		}
	}
	h.await("the lane to wait for records", func() bool {
		h.page(uuid, &mapping)
		return len(mapping.Waiting.Lanes) == 1 && mapping.Waiting.Lanes[0].For == "records"
	})
	h.stop()
}

func (h *house) checkTrails(all []trail) {
	h.t.Helper()
	var outcomes []string
	for i := range all {
		outcomes = append(outcomes, all[i].Outcome)
		for _, a := range reached(all[i].Attempts) {
			if a.RequestID == "" || a.LogGroup != "/aws/lambda/counting" || !strings.Contains(a.LogStream, "[$LATEST]") {
				h.t.Errorf("%+v", a)
			}
		}
	}
	slices.Sort(outcomes)
	if !slices.Equal(outcomes, []string{"delivered", "delivered", "discarded", "split"}) {
		h.t.Fatalf("%+v", all)
	}
	whole := all[len(all)-1] // the oldest
	if whole.Outcome != "split" || whole.Records != 2 || len(whole.Children) != 2 || len(reached(whole.Attempts)) != 1 {
		h.t.Errorf("%+v", whole)
	}
	if poison := all[len(all)-2]; poison.Parent != whole.ID || poison.Outcome != "discarded" || len(reached(poison.Attempts)) != 2 {
		h.t.Errorf("%+v", poison)
	}
}

// checkKept reads the poison record back.
func (h *house) checkKept(uuid string) {
	h.t.Helper()
	var discarded struct{ Discarded []kept }
	h.page(uuid+"/discarded?limit=5", &discarded)
	if len(discarded.Discarded) != 1 {
		h.t.Fatalf("%+v", discarded)
	}
	d := discarded.Discarded[0]
	if d.Condition != "RetryAttemptsExhausted" || !d.RecordsKept || d.Records != 1 || len(reached(d.Attempts)) != 3 {
		h.t.Errorf("%+v", d)
	}
	var whole struct {
		Records []struct {
			PartitionKey   string `json:"partition_key"`
			SequenceNumber string `json:"sequence_number"`
			Data           []byte
			Attempts       int
		}
		NextFrom int `json:"next_from"`
	}
	h.page(uuid+"/discarded/"+d.ID+"?from=0&limit=1", &whole)
	if len(whole.Records) != 1 || string(whole.Records[0].Data) != "bad" || whole.Records[0].PartitionKey != "bad" || whole.NextFrom != 0 ||
		len(whole.Records[0].SequenceNumber) != 56 || whole.Records[0].Attempts < 3 {
		h.t.Errorf("%+v", whole)
	}
}

// checkRefusals asks for what is not there, and in ways that are none.
func (h *house) checkRefusals(uuid string) {
	h.t.Helper()
	const nobody = "00000000-0000-4000-8000-000000000000"
	for path, want := range map[string]int{
		nobody: 404, nobody + "/batches": 404, nobody + "/batches/0000000000000001": 404, nobody + "/discarded": 404,
		nobody + "/discarded/0000000000000001": 404, uuid + "/batches/0000000000000001": 404, uuid + "/batches/x": 404,
		uuid + "/discarded/0000000000000001": 404, uuid + "/discarded/x": 404,
		uuid + "/batches?limit=0": 400, uuid + "/batches?limit=x": 400, uuid + "/batches?since=monday": 400, uuid + "/batches?outcome=bad": 400,
		uuid + "/batches?cursor=1": 400, uuid + "/discarded?limit=100000": 400, uuid + "/discarded?cursor=y": 400, uuid + "/discarded/x?from=-1": 400,
	} {
		var answer struct{ Error string }
		if status := h.page(path, &answer); status != want || answer.Error == "" {
			h.t.Errorf("%s answers %s", path, fmt.Sprint(status, answer))
		}
	}
}
