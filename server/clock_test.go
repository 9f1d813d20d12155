package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// moved is a server's test clock as it tells of itself.
type moved struct {
	Now    time.Time
	Frozen bool
	Ahead  string
	Error  string
}

func readClock(t *testing.T, status int, body string) (c moved) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &c); err != nil || (status == http.StatusOK) != (c.Error == "") {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	return c
}

// set sets the clock of a server and returns what it then shows.
func setClock(t *testing.T, address, how string) moved {
	t.Helper()
	status, body := call(t, http.MethodPost, address+"/_millrace/clock?"+how, "", "", "")
	return readClock(t, status, body)
}

// A window of five minutes and a retention of a day take no time.
func TestMovingTheClock(t *testing.T) {
	address := startWith(t, func(c *config) { c.TestClock = true })
	c, ctx := connect(address), t.Context()
	file := filepath.Join(exchange(t), "events")
	deploy(t, address, "f", `handle() { echo "$event" >> `+file+`; echo '{}'; }`, "")
	if _, err := c.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	made, err := c.lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
		EventSourceArn: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s"), FunctionName: aws.String("f"),
		StartingPosition: lambdatypes.EventSourcePositionTrimHorizon, MaximumBatchingWindowInSeconds: aws.Int32(300),
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a record is taken", func() bool {
		_, err := c.kinesis.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("k"), Data: []byte("x")})
		return err == nil
	})
	eventually(t, "the lane gathers", func() bool {
		_, page := call(t, http.MethodGet, address+"/_millrace/mappings/"+*made.UUID, "", "", "")
		return strings.Contains(page, `"for": "batching window"`)
	})
	if _, err := os.Stat(file); err == nil {
		t.Error("it was invoked before the window had ended")
	}
	if m := setClock(t, address, "advance=5m"); m.Error != "" || m.Ahead != "5m0s" {
		t.Errorf("%+v", m)
	}
	eventually(t, "the function is invoked", func() bool {
		events, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(events), "shardId-000000000000:")
	})
	setClock(t, address, "advance=25h")
	shard, err := c.kinesis.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: aws.String("s"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.kinesis.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: shard.ShardIterator})
	if err != nil || len(read.Records) != 0 {
		t.Errorf("after a day there are %v %v", read, err)
	}
}

func TestFreezingTheClock(t *testing.T) {
	address := startWith(t, func(c *config) { c.TestClock = true })
	frozen := setClock(t, address, "frozen=true")
	if !frozen.Frozen {
		t.Errorf("%+v", frozen)
	}
	later := frozen.Now.Add(90 * time.Minute).Truncate(time.Second)
	if m := setClock(t, address, "until="+url.QueryEscape(later.Format(time.RFC3339))); !m.Now.Equal(later) || !m.Frozen {
		t.Errorf("%+v, not %v", m, later)
	}
	status, body := call(t, http.MethodGet, address+"/_millrace/clock", "", "", "")
	if m := readClock(t, status, body); !m.Now.Equal(later) {
		t.Errorf("it goes: %+v", m)
	}
	setClock(t, address, "frozen=false")
	eventually(t, "it goes again", func() bool {
		_, body := call(t, http.MethodGet, address+"/_millrace/clock", "", "", "")
		return readClock(t, http.StatusOK, body).Now.After(later)
	})
	// What stands when the server stops holds nobody up.
	setClock(t, address, "frozen=true")
	for how, want := range map[string]string{
		"advance=-1s":                 "time does not go back",
		"advance=tomorrow":            "advance is a duration such as 90s, 5m or 24h",
		"until=tomorrow":              "until is a time such as 2030-01-31T12:00:00Z",
		"until=2001-01-01T00:00:00Z":  "time does not go back",
		"advance=100000h":             "that is more than ten years ahead",
		"advance=1s&until=2600-01-01": "until is a time such as 2030-01-31T12:00:00Z",
		"frozen=perhaps":              "frozen is true or false",
		"advanced=5m":                 `there is no setting "advanced": frozen, advance and until`,
	} {
		if m := setClock(t, address, how); m.Error != want {
			t.Errorf("%s: %q, not %q", how, m.Error, want)
		}
	}
}

func TestWallClock(t *testing.T) {
	address := start(t)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		status, body := call(t, method, address+"/_millrace/clock?advance=5m", "", "", "")
		if m := readClock(t, status, body); status != http.StatusNotFound || !strings.Contains(m.Error, "--test-clock") {
			t.Errorf("%s: %d %s", method, status, body)
		}
	}
}

// Who signs does so by the wall clock. To move the server's takes a right of its own.
func TestMovingTheClockSigned(t *testing.T) {
	address := startWith(t, func(c *config) {
		c.TestClock, c.Auth = true, "iam"
		c.RootAccessKeyID, c.RootSecretAccessKey = root.AccessKeyID, root.SecretAccessKey
	})
	reader := newUser(t, address, "reader")
	mayDo(t, address, "reader", `"Effect":"Allow","Action":"millrace:Read","Resource":"*"`)
	page := address + "/_millrace/clock?advance=1h"
	if status, body := do(t, signed(t, reader, http.MethodPost, page, "millrace", "", nil)); status != http.StatusForbidden {
		t.Errorf("a reader moves the clock: %d %s", status, body)
	}
	for range 2 {
		if status, body := do(t, signed(t, root, http.MethodPost, page, "millrace", "", nil)); status != http.StatusOK {
			t.Errorf("root cannot move the clock: %d %s", status, body)
		}
	}
	if status, body := do(t, signed(t, reader, http.MethodGet, address+"/_millrace/clock", "millrace", "", nil)); status != http.StatusOK || readClock(t, status, body).Ahead != "2h0m0s" {
		t.Errorf("a reader sees %d %s", status, body)
	}
	if _, err := connectAs(address, root.AccessKeyID, root.SecretAccessKey).kinesis.ListStreams(t.Context(), nil); err != nil {
		t.Errorf("after two hours nobody can sign: %v", err)
	}
}
