package kinesis_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/stream"
)

const account, region = "123456789012", "eu-west-1"

func (h *house) make(t testing.TB, name string, o stream.CreateOptions) {
	t.Helper()
	n := stream.Name{Account: account, Region: region, Name: name}
	if err := h.streams.Create(t.Context(), n, o); err != nil {
		t.Fatal(err)
	}
	clock := clockwork.NewRealClock()
	for h.streams.Usable(t.Context(), n) != nil {
		<-clock.After(time.Millisecond)
	}
}

// TestSizes goes to the byte, over the whole way.
func TestSizes(t *testing.T) {
	h, stop := newHouse(t, stream.Config{})
	defer stop()
	h.make(t, "small", stream.CreateOptions{ShardCount: 1})
	h.make(t, "large", stream.CreateOptions{ShardCount: 1, MaxRecordBytes: 10 << 20})
	data := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{'x'}, n)) }
	put := func(name string, n int) string {
		return exchange(h, "PutRecord", fmt.Sprintf(`{"StreamName":%q,"Data":%q,"PartitionKey":"é"}`, name, data(n)))
	}
	puts := func(name string, sizes ...int) string {
		var records []string
		for _, n := range sizes {
			records = append(records, fmt.Sprintf(`{"Data":%q,"PartitionKey":"é"}`, data(n)))
		}
		return exchange(h, "PutRecords", fmt.Sprintf(`{"StreamName":%q,"Records":[%s]}`, name, strings.Join(records, ",")))
	}
	const key, mib = len("é"), 1 << 20 // bytes count, not characters
	for name, c := range map[string]struct{ got, want string }{
		"as large as it may be":      {put("small", mib-key), "200\n"},
		"a byte more":                {put("small", mib-key+1), `400` + "\n" + `{"__type":"InvalidArgumentException","message":"Record size exceeds 1024 KB limit"}`},
		"in a batch":                 {puts("small", 1, mib-key), "200\n"},
		"a byte more in a batch":     {puts("small", 1, mib-key+1), `400` + "\n" + `{"__type":"InvalidArgumentException","message":"Record size exceeds 1024 KB limit"}`},
		"the largest of all":         {put("large", 10*mib-key), "200\n"},
		"a byte more than that":      {put("large", 10*mib-key+1), `400` + "\n" + `{"__type":"InvalidArgumentException","message":"Record size exceeds 10240 KB limit"}`},
		"the largest batch":          {puts("large", 5*mib-key, 5*mib-key), "200\n"},
		"a batch of a byte more":     {puts("large", 5*mib-key, 5*mib-key+1), `400` + "\n" + `{"__type":"InvalidArgumentException","message":"Records size exceeds 10 MB limit"}`},
		"data beyond the constraint": {put("large", 10*mib+1), `400` + "\n" + `{"__type":"ValidationException","message":"1 validation error detected: Value at 'data' failed to satisfy constraint: Member must have length less than or equal to 10485760"}`},
	} {
		if !strings.HasPrefix(c.got, c.want) {
			t.Errorf("%s: %.300s", name, c.got)
		}
	}
}

// brittle is a store whose appends can be held up or fail.
type brittle struct {
	*disk.Store
	append atomic.Pointer[func() error]
}

func (b *brittle) Append(ctx context.Context, log store.LogID, draft store.Draft) (uint64, error) {
	if f := b.append.Load(); f != nil {
		if err := (*f)(); err != nil {
			return 0, err
		}
	}
	return b.Store.Append(ctx, log, draft)
}

// newBrittleHouse opens a house over a store that can be held up; to be used in a bubble.
func newBrittleHouse(t *testing.T, c stream.Config) (h *house, b *brittle, stop func()) {
	t.Helper()
	b = &brittle{Store: disktest.Memory(t)}
	c.Store, c.Clock, c.Log = b, clockwork.NewRealClock(), slog.New(slog.DiscardHandler)
	streams, err := stream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- streams.Run(ctx) }()
	h = &house{streams, protocol.NewHandler(protocol.Config{Log: c.Log, Account: account, Region: region}, kinesis.New(streams))}
	return h, b, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

const (
	oneRecord  = `{"StreamName":"s","Data":"eA==","PartitionKey":"a"}`
	twoRecords = `{"StreamName":"s","Records":[{"Data":"eA==","PartitionKey":"a"},{"Data":"eA==","PartitionKey":"a"}]}`
)

func TestPutsThatTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, b, stop := newBrittleHouse(t, stream.Config{})
		defer stop()
		h.make(t, "s", stream.CreateOptions{ShardCount: 1})
		fail := func() error { return errors.New("no such luck") }
		b.append.Store(&fail)
		if got := exchange(h, "PutRecord", oneRecord); got != "500\n{\"__type\":\"InternalFailure\"}\n" {
			t.Error(got)
		}
		entry := `{"ErrorCode":"InternalFailure","ErrorMessage":"Internal Service Failure"}`
		if got := exchange(h, "PutRecords", twoRecords); got != "200\n"+`{"FailedRecordCount":2,"Records":[`+entry+`,`+entry+`]}`+"\n" {
			t.Error(got)
		}
		b.append.Store(nil)
		if got := exchange(h, "PutRecords", twoRecords); !strings.HasPrefix(got, "200\n"+`{"FailedRecordCount":0,`) {
			t.Errorf("afterwards: %s", got)
		}
	})
}

func TestPutsToAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, b, stop := newBrittleHouse(t, stream.Config{QueueBytes: 60}) // which two records fill
		defer stop()
		h.make(t, "s", stream.CreateOptions{ShardCount: 1})
		pass := make(chan struct{})
		hold := func() error { <-pass; return nil }
		b.append.Store(&hold)
		first, second := make(chan string, 1), make(chan string, 1)
		go func() { first <- exchange(h, "PutRecord", oneRecord) }()
		synctest.Wait()
		go func() { second <- exchange(h, "PutRecords", twoRecords) }()
		synctest.Wait()
		const text = "Rate exceeded for shard shardId-000000000000 in stream s under account 123456789012."
		if got := exchange(h, "PutRecord", oneRecord); got != "400\n"+`{"__type":"ProvisionedThroughputExceededException","message":"`+text+`"}`+"\n" {
			t.Error(got)
		}
		close(pass)
		if got := <-first; !strings.HasPrefix(got, "200\n"+`{"ShardId":"shardId-000000000000"`) {
			t.Error(got)
		}
		got := <-second
		if !strings.HasPrefix(got, "200\n"+`{"FailedRecordCount":1,"Records":[{"SequenceNumber":"`) ||
			!strings.HasSuffix(got, `{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"`+text+`"}]}`+"\n") {
			t.Error(got)
		}
	})
}

// TestEncryptionLimit starts and stops encryption as often as may be in a day, and once more.
func TestEncryptionLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t, stream.Config{})
		defer stop()
		h.make(t, "s", stream.CreateOptions{ShardCount: 1})
		for i := range 26 {
			for _, operation := range []string{"StartStreamEncryption", "StopStreamEncryption"} {
				want := "200\n"
				if i == 25 {
					want = "400\n" + `{"__type":"LimitExceededException","message":"` + operation +
						` cannot be called for stream s under account 123456789012 more than 25 times in a rolling 24-hour period."}` + "\n"
				}
				if got := exchange(h, operation, `{"StreamName":"s","EncryptionType":"KMS","KeyId":"k"}`); got != want {
					t.Errorf("%s %d: %s", operation, i, got)
				}
				synctest.Wait()
			}
		}
	})
}
