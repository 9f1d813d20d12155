package protocol_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/sqs"
)

// The doors of these tests answer from the request alone, so that a golden file shows what was understood. A few
// names make them fail. Operations that no test calls are left to the embedded nil interface.

type fakeKinesis struct{ kinesis.Operations }

var moment = time.UnixMilli(1459799926480)

func (fakeKinesis) CreateStream(_ context.Context, in *kinesis.CreateStreamInput) error {
	switch in.StreamName {
	case "broken":
		return errors.New("the disk said something that clients must not see")
	case "panic":
		panic("a door fell off")
	case "taken":
		return fmt.Errorf("creating: %w", &protocol.Error{
			Code:    kinesis.ResourceInUseException,
			Message: "Stream taken under account 000000000000 already exists.",
		})
	}
	return nil
}

func (fakeKinesis) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput) (*kinesis.DescribeStreamSummaryOutput, error) {
	call := protocol.CallFrom(ctx)
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &kinesis.StreamDescriptionSummary{
		StreamName: *in.StreamName,
		StreamARN:  "arn:aws:kinesis:" + call.Region + ":" + call.Account + ":stream/" + *in.StreamName,
		StreamStatus: strings.Join([]string{
			call.Service, call.Operation, call.Protocol.String(), call.AccessKeyID, call.Scheme, call.Host,
		}, " "),
		StreamCreationTimestamp: moment,
		EncryptionType:          new("NONE"),
	}}, nil
}

func (fakeKinesis) PutRecord(_ context.Context, in *kinesis.PutRecordInput) (*kinesis.PutRecordOutput, error) {
	return &kinesis.PutRecordOutput{ShardId: in.PartitionKey, SequenceNumber: fmt.Sprintf("%x", in.Data)}, nil
}

func (fakeKinesis) PutRecords(_ context.Context, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	return &kinesis.PutRecordsOutput{
		FailedRecordCount: new(0),
		Records:           make([]kinesis.PutRecordsResultEntry, len(in.Records)),
	}, nil
}

func (fakeKinesis) GetShardIterator(_ context.Context, in *kinesis.GetShardIteratorInput) (*kinesis.GetShardIteratorOutput, error) {
	at := "-"
	if in.Timestamp != nil {
		at = in.Timestamp.UTC().Format(time.RFC3339Nano)
	}
	return &kinesis.GetShardIteratorOutput{ShardIterator: new(in.ShardId + " " + in.ShardIteratorType + " " + at)}, nil
}

func (fakeKinesis) GetRecords(_ context.Context, in *kinesis.GetRecordsInput) (*kinesis.GetRecordsOutput, error) {
	out := &kinesis.GetRecordsOutput{MillisBehindLatest: new(int64(0))}
	if in.Limit != nil && *in.Limit > 1 {
		out.Records = []kinesis.Record{{
			SequenceNumber: "49", ApproximateArrivalTimestamp: &moment, Data: []byte("<\"&\u2028"), PartitionKey: "k\"\\\u0001é",
		}}
	}
	return out, nil
}

func (fakeKinesis) ListStreams(context.Context, *kinesis.ListStreamsInput) (*kinesis.ListStreamsOutput, error) {
	return nil, nil // neither output nor error: a door's mistake
}

type fakeLambda struct{ lambda.Operations }

func (fakeLambda) CreateFunction(_ context.Context, in *lambda.CreateFunctionRequest) (*lambda.FunctionConfiguration, error) {
	out := &lambda.FunctionConfiguration{FunctionName: &in.FunctionName, Timeout: in.Timeout}
	if in.Environment != nil {
		out.Environment = &lambda.EnvironmentResponse{Variables: in.Environment.Variables}
	}
	return out, nil
}

func (fakeLambda) GetFunction(_ context.Context, in *lambda.GetFunctionRequest) (*lambda.GetFunctionResponse, error) {
	qualifier := ""
	if in.Qualifier != nil {
		qualifier = ":" + *in.Qualifier
	}
	if in.FunctionName == "missing" {
		return nil, &protocol.Error{
			Code:    lambda.ResourceNotFoundException,
			Message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:missing" + qualifier,
		}
	}
	return &lambda.GetFunctionResponse{Configuration: &lambda.FunctionConfiguration{FunctionArn: new(in.FunctionName + qualifier)}}, nil
}

func (fakeLambda) ListFunctions(_ context.Context, in *lambda.ListFunctionsRequest) (*lambda.ListFunctionsResponse, error) {
	out := &lambda.ListFunctionsResponse{Functions: []lambda.FunctionConfiguration{}}
	if in.MaxItems != nil {
		out.NextMarker = new(fmt.Sprint(*in.MaxItems))
	}
	return out, nil
}

func (fakeLambda) DeleteFunction(context.Context, *lambda.DeleteFunctionRequest) (*lambda.DeleteFunctionResponse, error) {
	return &lambda.DeleteFunctionResponse{StatusCode: new(204)}, nil
}

func (fakeLambda) Invoke(_ context.Context, in *lambda.InvocationRequest) (*lambda.InvocationResponse, error) {
	switch {
	case in.FunctionName == "throttled":
		return nil, &protocol.Error{
			Code:    lambda.TooManyRequestsException,
			Message: "Rate Exceeded.",
			Fields:  []protocol.Field{{Name: "Reason", Value: "ReservedFunctionConcurrentInvocationLimitExceeded"}},
			Header:  http.Header{"Retry-After": {"1"}},
		}
	case in.FunctionName == "broken":
		return nil, errors.New("no executor")
	case in.InvocationType != nil && *in.InvocationType == lambda.InvocationTypeEvent:
		return &lambda.InvocationResponse{StatusCode: new(202)}, nil
	}
	return &lambda.InvocationResponse{
		StatusCode: new(200), Payload: append([]byte(nil), in.Payload...), ExecutedVersion: new("$LATEST"), FunctionError: new("Unhandled"),
	}, nil
}

func (fakeLambda) UpdateEventSourceMapping(_ context.Context, in *lambda.UpdateEventSourceMappingRequest) (*lambda.EventSourceMappingConfiguration, error) {
	return &lambda.EventSourceMappingConfiguration{UUID: &in.UUID, BatchSize: in.BatchSize, LastModified: &moment}, nil
}

type fakeSQS struct{ sqs.Operations }

func (fakeSQS) CreateQueue(ctx context.Context, in *sqs.CreateQueueRequest) (*sqs.CreateQueueResult, error) {
	return &sqs.CreateQueueResult{QueueUrl: new(fmt.Sprint(protocol.CallFrom(ctx).Host, " ", in.QueueName, " ", in.Attributes, " ", in.Tags))}, nil
}

func (fakeSQS) SendMessage(_ context.Context, in *sqs.SendMessageRequest) (*sqs.SendMessageResult, error) {
	if strings.HasSuffix(in.QueueUrl, "/missing") {
		return nil, &protocol.Error{Code: sqs.ErrorQueueDoesNotExist, Message: "The specified queue does not exist."}
	}
	if strings.HasSuffix(in.QueueUrl, "/broken") {
		return nil, errors.New("disk")
	}
	text := in.MessageBody
	for name, a := range in.MessageAttributes {
		text += " " + name
		if a.StringValue != nil {
			text += "=" + *a.StringValue
		}
		text += fmt.Sprintf("%x", a.BinaryValue)
	}
	if in.DelaySeconds != nil {
		text += fmt.Sprint(" delay ", *in.DelaySeconds)
	}
	return &sqs.SendMessageResult{MessageId: &in.QueueUrl, MD5OfMessageBody: &text}, nil
}

func (fakeSQS) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchRequest) (*sqs.SendMessageBatchResult, error) {
	out := &sqs.SendMessageBatchResult{}
	for _, e := range in.Entries {
		if e.MessageBody == "refuse" {
			out.Failed = append(out.Failed, sqs.BatchResultErrorEntry{Id: e.Id, Code: "InvalidMessageContents", SenderFault: true})
			continue
		}
		out.Successful = append(out.Successful, sqs.SendMessageBatchResultEntry{Id: e.Id, MessageId: e.MessageBody, MD5OfMessageBody: "-"})
	}
	return out, nil
}

func (fakeSQS) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageRequest) (*sqs.ReceiveMessageResult, error) {
	if in.MaxNumberOfMessages == nil {
		return &sqs.ReceiveMessageResult{}, nil
	}
	return &sqs.ReceiveMessageResult{Messages: []sqs.Message{{
		Body:              new("a < b & \"c\"\r\n"),
		Attributes:        map[string]string{"SentTimestamp": "1", "SenderId": strings.Join(in.AttributeNames, ",")},
		MessageAttributes: map[string]sqs.MessageAttributeValue{"n": {StringValue: new("v"), DataType: new("String")}},
	}}}, nil
}

func (fakeSQS) DeleteQueue(context.Context, *sqs.DeleteQueueRequest) error { return nil }

func (fakeSQS) PurgeQueue(context.Context, *sqs.PurgeQueueRequest) error {
	return &protocol.Error{
		Code:    sqs.ErrorPurgeQueueInProgress,
		Message: "Only one PurgeQueue operation on q is allowed every 60 seconds.",
	}
}

// newHandler makes the dispatcher over the fakes, with bounds small enough to meet.
func newHandler(log *slog.Logger) http.Handler {
	k, l, q := kinesis.NewService(fakeKinesis{}), lambda.NewService(fakeLambda{}), sqs.NewService(fakeSQS{})
	k.RPCName, q.RPCName = "FakeKinesis", "FakeSQS" // none of AWS's that we have speaks rpc-v2-cbor
	return protocol.NewHandler(protocol.Config{Log: log, Account: "000000000000", Region: "us-east-1"}, k, l, q)
}
