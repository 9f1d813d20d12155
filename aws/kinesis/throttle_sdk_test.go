package kinesis_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/millrace/millrace/stream"
)

// direct is a transport that calls a handler, so that a client can live in virtual time. It counts the answers that
// were throttles.
type direct struct {
	http.Handler
	throttled atomic.Int32
}

// Do implements aws.HTTPClient.
func (d *direct) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	inbound := httptest.NewRequest(r.Method, r.URL.String(), r.Body).WithContext(r.Context())
	inbound.Header = r.Header
	d.ServeHTTP(w, inbound)
	if bytes.Contains(w.Body.Bytes(), []byte("ProvisionedThroughputExceededException")) {
		d.throttled.Add(1)
	}
	return w.Result(), nil
}

// limited runs a test in virtual time with AWS's own client and a stream of one shard with limits. The client may try more
// often than out of the box: its waits are random, and three short ones may not be enough.
func limited(t *testing.T, f func(t *testing.T, c *client.Client, d *direct)) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t, stream.Config{ShardLimits: true})
		defer stop()
		d := &direct{Handler: h}
		c := client.New(client.Options{
			BaseEndpoint: aws.String("http://127.0.0.1:4566"), Region: region, HTTPClient: d, RetryMaxAttempts: 12,
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		})
		if _, err := c.CreateStream(t.Context(), &client.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)}); err != nil {
			t.Fatal(err)
		}
		if err := client.NewStreamExistsWaiter(c).Wait(t.Context(), &client.DescribeStreamInput{StreamName: aws.String("s")}, time.Minute); err != nil {
			t.Fatal(err)
		}
		f(t, c, d)
	})
}

// TestSDKRetriesThrottles puts a MiB a record and reads without a pause: the client sees throttles, and its own retries get
// everything through.
func TestSDKRetriesThrottles(t *testing.T) {
	limited(t, func(t *testing.T, c *client.Client, d *direct) {
		begin := time.Now()
		for i := range 5 {
			data := bytes.Repeat([]byte{byte(i)}, 1<<20-1)
			if _, err := c.PutRecord(t.Context(), &client.PutRecordInput{StreamName: aws.String("s"), Data: data, PartitionKey: aws.String("k")}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 4*time.Second || d.throttled.Load() == 0 {
			t.Errorf("5 MiB took %s, with %d throttles", took, d.throttled.Load())
		}
		d.throttled.Store(0)
		start, err := c.GetShardIterator(t.Context(), &client.GetShardIteratorInput{
			StreamName: aws.String("s"), ShardId: aws.String("0"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
		})
		if err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		found, it := 0, start.ShardIterator
		for range 12 {
			page, err := c.GetRecords(t.Context(), &client.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(1)})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				if int(r.Data[0]) != found {
					t.Errorf("record %d is %d", found, r.Data[0])
				}
				found++
			}
			it = page.NextShardIterator
		}
		if took := time.Since(begin); found != 5 || took < time.Second || d.throttled.Load() == 0 {
			t.Errorf("%d records took %s, with %d throttles", found, took, d.throttled.Load())
		}
	})
}

// TestSDKSeesThrottles gives the client no retries: it tells the errors by their type.
func TestSDKSeesThrottles(t *testing.T) {
	limited(t, func(t *testing.T, c *client.Client, _ *direct) {
		once := func(o *client.Options) { o.RetryMaxAttempts = 1 }
		put := func() error {
			_, err := c.PutRecord(t.Context(), &client.PutRecordInput{StreamName: aws.String("s"), Data: make([]byte, 1<<20-1), PartitionKey: aws.String("k")}, once)
			return err
		}
		if err := put(); err != nil {
			t.Fatal(err)
		}
		var throttled *types.ProvisionedThroughputExceededException
		if err := put(); !errors.As(err, &throttled) || throttled.ErrorMessage() != "Rate exceeded for shard shardId-000000000000 in stream s under account 123456789012." {
			t.Error(err)
		}
		in := &client.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: aws.String("0"), ShardIteratorType: types.ShardIteratorTypeLatest}
		for range 5 {
			if _, err := c.GetShardIterator(t.Context(), in, once); err != nil {
				t.Fatal(err)
			}
		}
		throttled = nil
		if _, err := c.GetShardIterator(t.Context(), in, once); !errors.As(err, &throttled) || throttled.ErrorMessage() != "Rate exceeded for Shard - 123456789012/s/shardId-000000000000" {
			t.Error(err)
		}
	})
}

// TestSDKPutsTheRest puts 2500 records as users of every SDK have to: what failed of a call is put again, after a pause.
func TestSDKPutsTheRest(t *testing.T) {
	limited(t, func(t *testing.T, c *client.Client, _ *direct) {
		begin, failures := time.Now(), 0
		numbers := make(map[string]bool)
		for call := range 5 {
			var pending []types.PutRecordsRequestEntry
			for i := range 500 {
				pending = append(pending, types.PutRecordsRequestEntry{Data: fmt.Append(nil, call*500+i), PartitionKey: aws.String("k")})
			}
			for pause := 100 * time.Millisecond; len(pending) > 0; pause = min(2*pause, time.Second) {
				out, err := c.PutRecords(t.Context(), &client.PutRecordsInput{StreamName: aws.String("s"), Records: pending})
				if err != nil {
					t.Fatal(err)
				}
				var failed []types.PutRecordsRequestEntry
				for i, r := range out.Records {
					switch {
					case r.ErrorCode == nil:
						numbers[*r.SequenceNumber] = true
					case *r.ErrorCode == "ProvisionedThroughputExceededException" && strings.HasPrefix(*r.ErrorMessage, "Rate exceeded for shard "):
						failed = append(failed, pending[i])
					default:
						t.Fatalf("%+v", r)
					}
				}
				if int(*out.FailedRecordCount) != len(failed) {
					t.Errorf("%d failed, the answer says %d", len(failed), *out.FailedRecordCount)
				}
				failures += len(failed)
				if pending = failed; len(pending) > 0 {
					<-time.After(pause)
				}
			}
		}
		if took := time.Since(begin); len(numbers) != 2500 || failures == 0 || took < 1500*time.Millisecond {
			t.Errorf("%d records took %s, with %d failures", len(numbers), took, failures)
		}
	})
}
