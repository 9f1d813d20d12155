package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/sqs"
	"github.com/millrace/millrace/queue"
)

// door is a door on a house's queues, called without HTTP.
func door(t *testing.T) (*sqs.Door, context.Context) {
	h := newHouse(t, clockwork.NewRealClock())
	call := protocol.Call{Account: "000000000000", Region: "us-east-1", Host: "h", Scheme: "http"}
	d, ctx := &sqs.Door{Queues: h.queues}, protocol.WithCall(context.Background(), call)
	if _, err := d.CreateQueue(ctx, &sqs.CreateQueueRequest{QueueName: "orders"}); err != nil {
		t.Fatal(err)
	}
	return d, ctx
}

// fault expects an error in AWS's terms.
func fault(t *testing.T, err error, code, text string) {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) || e.Code != code || e.Message != text {
		t.Errorf("%v, want %s: %s", err, code, text)
	}
}

// TestLongestMessages sends what is too large for a file of examples.
func TestLongestMessages(t *testing.T) {
	d, ctx := door(t)
	url, body := "http://h/000000000000/orders", strings.Repeat("a", 1<<20)
	if _, err := d.SendMessage(ctx, &sqs.SendMessageRequest{QueueUrl: url, MessageBody: body}); err != nil {
		t.Error(err)
	}
	_, err := d.SendMessage(ctx, &sqs.SendMessageRequest{QueueUrl: url, MessageBody: body + "a"})
	fault(t, err, "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.")
	_, err = d.SendMessageBatch(ctx, &sqs.SendMessageBatchRequest{QueueUrl: url, Entries: []sqs.SendMessageBatchRequestEntry{
		{Id: "1", MessageBody: body[8:], MessageAttributes: map[string]sqs.MessageAttributeValue{
			"k": {DataType: new("String"), StringValue: new("x")},
		}},
		{Id: "2", MessageBody: "a"},
	}})
	fault(t, err, "BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.")
}

func TestWhichQueueIsMeant(t *testing.T) {
	d, ctx := door(t)
	for address, code := range map[string]string{
		"http://h/000000000000/orders":                            "",
		"http://h/000000000000/orders/":                           "",
		"https://other:1/queue/us-east-1/000000000000/orders?a=b": "",
		"/000000000000/orders":                                    "",
		"orders":                                                  "",
		"other":                                                   "QueueDoesNotExist",
		"http://h/111111111111/orders":                            "QueueDoesNotExist",
		"http://h/000000000000/other":                             "QueueDoesNotExist",
		"":                                                        "InvalidAddress",
		"http://h":                                                "InvalidAddress",
		"http://h/orders":                                         "InvalidAddress",
		"http://h/0/orders":                                       "InvalidAddress",
		"http://h/%zz":                                            "InvalidAddress",
		"::/":                                                     "InvalidAddress",
	} {
		_, err := d.GetQueueAttributes(ctx, &sqs.GetQueueAttributesRequest{QueueUrl: address})
		var e *protocol.Error
		switch {
		case code == "" && err != nil, code != "" && (!errors.As(err, &e) || e.Code != code):
			t.Errorf("%q: %v, want %q", address, err, code)
		}
	}
}

// TestRegionsAndAccountsAreApart makes queues of one name that must not see each other.
func TestRegionsAndAccountsAreApart(t *testing.T) {
	d, ctx := door(t)
	for _, call := range []protocol.Call{
		{Account: "000000000000", Region: "eu-west-1", Host: "h", Scheme: "http"},
		{Account: "111111111111", Region: "us-east-1", Host: "h", Scheme: "http"},
	} {
		other := protocol.WithCall(context.Background(), call)
		_, err := d.GetQueueUrl(other, &sqs.GetQueueUrlRequest{QueueName: "orders"})
		fault(t, err, "QueueDoesNotExist", "The specified queue does not exist.")
		made, err := d.CreateQueue(other, &sqs.CreateQueueRequest{QueueName: "orders"})
		if err != nil || *made.QueueUrl != "http://h/"+call.Account+"/orders" {
			t.Errorf("%+v %v", made, err)
		}
		if _, err := d.SendMessage(other, &sqs.SendMessageRequest{QueueUrl: *made.QueueUrl, MessageBody: "x"}); err != nil {
			t.Error(err)
		}
	}
	got, err := d.ReceiveMessage(ctx, &sqs.ReceiveMessageRequest{QueueUrl: "orders"})
	if err != nil || got.Messages != nil {
		t.Errorf("%+v %v", got, err)
	}
}

// TestTroubleOfOurOwnIsNotTheClients checks that what the table does not know is not made the client's fault.
func TestTroubleOfOurOwnIsNotTheClients(t *testing.T) {
	d, ctx := door(t)
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err := d.ReceiveMessage(canceled, &sqs.ReceiveMessageRequest{QueueUrl: "orders", WaitTimeSeconds: new(1)})
	var e *protocol.Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &e) {
		t.Errorf("a client that left: %v", err)
	}
}

func TestOverLimit(t *testing.T) {
	h := newHouse(t, clockwork.NewRealClock(), func(c *queue.Config) { c.InFlight = 1 })
	d := &sqs.Door{Queues: h.queues}
	ctx := protocol.WithCall(context.Background(), protocol.Call{Account: "000000000000", Region: "us-east-1"})
	if _, err := d.CreateQueue(ctx, &sqs.CreateQueueRequest{QueueName: "orders"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := d.SendMessage(ctx, &sqs.SendMessageRequest{QueueUrl: "orders", MessageBody: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.ReceiveMessage(ctx, &sqs.ReceiveMessageRequest{QueueUrl: "orders"}); err != nil {
		t.Fatal(err)
	}
	_, err := d.ReceiveMessage(ctx, &sqs.ReceiveMessageRequest{QueueUrl: "orders"})
	fault(t, err, "OverLimit", "The maximum number of in flight messages is reached.")
}

// FuzzAddresses looks for tokens and addresses of queues that make more than an error of the client.
func FuzzAddresses(f *testing.F) {
	f.Add("Yi0yL2It", "b-")
	h := newHouse(f, clockwork.NewRealClock())
	f.Fuzz(func(t *testing.T, token, address string) {
		t.Helper()
		if strings.ContainsAny(token+address, "\r\n") {
			t.Skip()
		}
		document, err := json.Marshal(map[string]any{"MaxResults": 1, "NextToken": token, "QueueUrl": address})
		if err != nil {
			t.Skip()
		}
		for _, op := range []string{"ListQueues", "GetQueueAttributes"} {
			if got := exchange(t, h, "JSON "+op+"\n"+string(document)); strings.HasPrefix(got, "500") {
				t.Errorf("%s %s: %s", op, document, got)
			}
		}
	})
}
