package mapping

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/stream"
)

// TestConsumerARN: where a stream's mapping says the ARN of the stream, to the function and to the destination, a
// consumer's says that of the consumer.
// Facts: 2.2.6.
func TestConsumerARN(t *testing.T) {
	withConsumer(t, func(t *testing.T, p *parts, _ *arrivals, id stream.ConsumerID) {
		var said []string
		p.answer = func(in function.Invocation) function.Result {
			var event struct {
				Records []struct {
					EventID, EventSourceARN string
					Kinesis                 struct{ SequenceNumber string }
				}
			}
			if err := json.Unmarshal(in.Payload, &event); err != nil {
				t.Error(err)
			}
			r := event.Records[0]
			said = append(said, r.EventSourceARN)
			if r.EventID != "shardId-000000000000:"+r.Kinesis.SequenceNumber {
				t.Error(r.EventID)
			}
			return function.Result{FunctionError: "Unhandled"}
		}
		p.send = func(n Notice) {
			var d struct {
				KinesisBatchInfo struct{ ShardID, StreamARN string }
			}
			if err := json.Unmarshal(n.Body, &d); err != nil {
				t.Error(err)
			}
			said = append(said, d.KinesisBatchInfo.StreamARN)
			if d.KinesisBatchInfo.ShardID != "shardId-000000000000" {
				t.Error(d.KinesisBatchInfo.ShardID)
			}
		}
		s := Defaults()
		s.MaximumRetryAttempts, s.OnFailure = 0, "arn:aws:s3:::dead"
		p.mapFrom(t, id, functionRef("charge"), s)
		p.put(t, stream.Entry{PartitionKey: "k", Data: []byte("a")})
		p.pass(longPause)
		if want := sourceARN(id.Stream, id); !slices.Equal(said, []string{want, want}) {
			t.Errorf("said %q, want %s", said, want)
		}
	})
}

// TestQualifierIsInvoked: a mapping invokes what it was made with, and not what that stands for.
// Facts: 3.2.5.
func TestQualifierIsInvoked(t *testing.T) {
	withConsumer(t, func(t *testing.T, p *parts, _ *arrivals, id stream.ConsumerID) {
		var invoked []string
		p.answer = func(in function.Invocation) function.Result {
			invoked = append(invoked, in.Ref.ARN())
			return function.Result{}
		}
		want := functionRef("charge:$LATEST")
		p.mapFrom(t, id, want, Defaults())
		p.put(t, stream.Entry{PartitionKey: "k", Data: []byte("a")})
		p.pass(longPause)
		if !slices.Equal(invoked, []string{want.ARN()}) {
			t.Errorf("invoked %q, want %s", invoked, want.ARN())
		}
	})
}
