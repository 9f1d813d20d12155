package protocol_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/protocol/cborwire"
	"github.com/millrace/millrace/aws/protocol/constraint"
	"github.com/millrace/millrace/aws/protocol/jsonwire"
	"github.com/millrace/millrace/aws/protocol/wire"
)

// putRecords is a call of n records of size bytes.
func putRecords(n, size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 7)
	}
	var b strings.Builder
	b.WriteString(`{"StreamName":"orders","Records":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Data":"%s","PartitionKey":"customer-%06d"}`, base64.StdEncoding.EncodeToString(data), i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// putRecordsCBOR is the same call in CBOR.
func putRecordsCBOR(n, size int) []byte {
	type entry struct {
		Data         []byte
		PartitionKey string
	}
	call := struct {
		StreamName string
		Records    []entry
	}{"orders", make([]entry, n)}
	for i := range call.Records {
		call.Records[i] = entry{make([]byte, size), fmt.Sprintf("customer-%06d", i)}
	}
	return must(cbor.Marshal(call))
}

func BenchmarkPutRecordsDecode(b *testing.B) {
	for _, c := range []struct{ n, size int }{{1, 100}, {500, 100}, {500, 1024}, {10, 1 << 20}} {
		body := putRecords(c.n, c.size)
		decode := func(b *testing.B, open func() wire.Document) {
			b.SetBytes(int64(c.n * c.size))
			b.ReportAllocs()
			for b.Loop() {
				var in kinesis.PutRecordsInput
				doc := open()
				in.Decode(doc)
				doc.End()
				var checks constraint.Checks
				in.Validate(&checks)
				if doc.Malformed() || len(in.Records) != c.n || checks.Message() != "" {
					b.Fatal("not decoded")
				}
			}
		}
		b.Run(fmt.Sprintf("json/%dx%d", c.n, c.size), func(b *testing.B) {
			decode(b, func() wire.Document { return jsonwire.NewReader(body) })
		})
		binary := putRecordsCBOR(c.n, c.size)
		b.Run(fmt.Sprintf("cbor/%dx%d", c.n, c.size), func(b *testing.B) {
			decode(b, func() wire.Document { return cborwire.NewReader(binary, cborwire.Milliseconds) })
		})
	}
}

func BenchmarkGetRecordsEncode(b *testing.B) {
	now := time.Now()
	out := kinesis.GetRecordsOutput{NextShardIterator: new(strings.Repeat("A", 200)), MillisBehindLatest: new(int64(0))}
	for range 1000 {
		out.Records = append(out.Records, kinesis.Record{
			Data: make([]byte, 1024), PartitionKey: "customer-000001",
			SequenceNumber: strings.Repeat("4", 56), ApproximateArrivalTimestamp: &now,
		})
	}
	for name, encoding := range map[string]protocol.Encoding{"json": protocol.EncodingJSON, "cbor": protocol.EncodingCBOR} {
		b.Run(name, func(b *testing.B) {
			buffer := encoding.Append(nil, &out)
			b.SetBytes(1000 * 1024)
			b.ReportAllocs()
			for b.Loop() {
				buffer = encoding.Append(buffer[:0], &out)
			}
		})
	}
}

// BenchmarkPutRecordsServe is the whole way of a call through the dispatcher, without a socket.
func BenchmarkPutRecordsServe(b *testing.B) {
	h := newHandler(slog.New(slog.DiscardHandler))
	for _, c := range []struct{ n, size int }{{1, 100}, {500, 1024}} {
		b.Run(fmt.Sprintf("%dx%d", c.n, c.size), func(b *testing.B) {
			body := putRecords(c.n, c.size)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
				r.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecords")
				r.Header.Set("Content-Type", "application/x-amz-json-1.1")
				r.Header.Set("X-Amz-Date", "20260101T000000Z")
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
