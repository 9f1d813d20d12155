package kinesis_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/stream"
)

const typeCBOR = "application/x-amz-cbor-1.1"

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// inCBOR translates a document of the golden files as a client of CBOR would have written it: Data is bytes and times
// are milliseconds under tag 1. The order of the members stays, for the first of several offences wins. ok is false for
// what is not JSON.
func inCBOR(document string) (body []byte, ok bool) {
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	var b bytes.Buffer
	if translate(d, cbor.NewEncoder(&b), "") != nil || d.More() {
		return nil, false
	}
	return b.Bytes(), true
}

// translate copies the next value, which is that of a member.
func translate(d *json.Decoder, e *cbor.Encoder, member string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		begin := e.StartIndefiniteArray
		if v == '{' {
			begin = e.StartIndefiniteMap
		}
		if err := begin(); err != nil {
			return err
		}
		for d.More() {
			if v == '{' {
				if token, err = d.Token(); err == nil {
					member = token.(string)
					err = e.Encode(member)
				}
			}
			if err == nil {
				err = translate(d, e, member)
			}
			if err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil {
			return err
		}
		return e.EndIndefinite()
	case json.Number:
		return e.Encode(number(member, v))
	case string:
		if data, err := base64.StdEncoding.DecodeString(v); member == "Data" && err == nil {
			return e.Encode(data)
		}
	}
	return e.Encode(token)
}

func number(member string, v json.Number) any {
	f, _ := v.Float64() // out of range gives an infinity
	if strings.HasSuffix(member, "Timestamp") {
		return cbor.Tag{Number: 1, Content: int64(f*1000 + 0.5)}
	}
	if n, err := v.Int64(); err == nil {
		return n
	}
	return f
}

func newRequestCBOR(operation string, body []byte) *http.Request {
	return scope.Call("Kinesis_20131202."+operation, typeCBOR, string(body))
}

// TestWireInCBOR plays the stories of TestWire once more in CBOR: every answer must be the same but for its encoding.
func TestWireInCBOR(t *testing.T) {
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		if s.Name == "cbor" || strings.HasPrefix(s.Name, "subscribe_to_") {
			return // the one is in CBOR already and has events too, which the others are about
		}
		synctest.Test(t, func(t *testing.T) {
			h, stop := storyHouse(t, s)
			defer stop()
			masks := newMasks()
			s.Each(t, wiretest.Sleep, func(e wiretest.Exchange) { askInCBOR(t, h, masks, e) })
		})
	})
}

func askInCBOR(t *testing.T, h http.Handler, masks wiretest.Masks, e wiretest.Exchange) {
	operation, document := asked(masks, e.Request)
	body, ok := inCBOR(document)
	if !ok {
		return
	}
	w := wiretest.Serve(h, newRequestCBOR(operation, body))
	if got := w.Header().Get("Content-Type"); got != typeCBOR {
		t.Errorf("%s: content type %q", e.Name, got)
	}
	status, text, _ := strings.Cut(e.Answer, "\n")
	if fmt.Sprint(w.Code) != status || (w.Body.Len() == 0) != (text == "") {
		t.Errorf("%s: %d %x, want %s", e.Name, w.Code, w.Body, e.Answer)
		return
	}
	if text == "" {
		return
	}
	// Over the text once more, for the names of iterators and tokens.
	got := masks.Hide(string(must(json.Marshal(wiretest.LikeJSON(w.Body.Bytes(), 1000)))))
	if !reflect.DeepEqual(value(t, got), value(t, text)) {
		t.Errorf("%s\n--- got\n%s\n--- want\n%s", e.Name, got, text)
	}
}

func value(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// The shapes as a client of its own has them, for the other CBOR library.
type (
	putRecords struct {
		StreamName string
		Records    []entry
	}
	entry struct {
		Data         []byte
		PartitionKey string
	}
	putRecordsResult struct {
		FailedRecordCount int
		Records           []struct{ ShardId, SequenceNumber string }
	}
	getRecordsResult struct {
		Records []struct {
			Data                         []byte
			PartitionKey, SequenceNumber string
			ApproximateArrivalTimestamp  cbor.RawTag
		}
		NextShardIterator  string
		MillisBehindLatest *int64
	}
)

// TestCBORClient puts records and reads them back over a socket, with a client that shares nothing with the server.
func TestCBORClient(t *testing.T) {
	h, stop := newHouse(t, stream.Config{})
	defer stop()
	server := httptest.NewServer(h)
	defer server.Close()
	h.make(t, "orders", stream.CreateOptions{ShardCount: 1})

	begin := time.Now().Truncate(time.Millisecond)
	var put putRecords
	put.StreamName = "orders"
	for i := range 400 {
		put.Records = append(put.Records, entry{bytes.Repeat([]byte{byte(i), 0xff}, i), fmt.Sprint("ключ ", i)})
	}
	var result putRecordsResult
	post(t, server, "PutRecords", put, &result)
	if result.FailedRecordCount != 0 || len(result.Records) != len(put.Records) {
		t.Fatalf("%+v", result)
	}

	var start struct{ ShardIterator string }
	post(t, server, "GetShardIterator", map[string]any{
		"StreamName": "orders", "ShardId": "shardId-000000000000", "ShardIteratorType": "AT_TIMESTAMP",
		"Timestamp": cbor.Tag{Number: 1, Content: begin.UnixMilli()},
	}, &start)
	iterator, read := start.ShardIterator, 0
	for read < len(put.Records) {
		var page getRecordsResult
		post(t, server, "GetRecords", map[string]any{"ShardIterator": iterator, "Limit": 150}, &page)
		if len(page.Records) == 0 || page.MillisBehindLatest == nil || len(page.Records) > 150 {
			t.Fatalf("%d records of %d", read, len(put.Records))
		}
		for _, r := range page.Records {
			at := r.ApproximateArrivalTimestamp
			var ms int64 // a fraction, at which Java's client fails, does not fit
			if err := cbor.Unmarshal(at.Content, &ms); err != nil || !bytes.Equal(r.Data, put.Records[read].Data) || r.PartitionKey != put.Records[read].PartitionKey ||
				r.SequenceNumber != result.Records[read].SequenceNumber || at.Number != 1 || ms < begin.UnixMilli() || ms > time.Now().UnixMilli() {
				t.Fatalf("record %d: %+v", read, r)
			}
			read++
		}
		iterator = page.NextShardIterator
	}
}

// post makes a call over the socket.
func post(t *testing.T, server *httptest.Server, operation string, in, out any) {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, bytes.NewReader(must(cbor.Marshal(in)))))
	r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	r.Header.Set("Content-Type", typeCBOR)
	scope.Sign(r)
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !slices.Equal(answer.Header["Content-Type"], []string{typeCBOR}) {
		t.Fatalf("%s %x %v", answer.Status, body, err)
	}
	if err := cbor.Unmarshal(body, out); err != nil {
		t.Fatal(err)
	}
}
