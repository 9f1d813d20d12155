package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/millrace/millrace/internal/bootstrap"
	"github.com/millrace/millrace/internal/demo"
	"github.com/millrace/millrace/internal/sdkhttp"
)

// TestKilledEvents kills the server again and again while events are sent. Whatever becomes of an event, its queue is told:
// of every one that was acknowledged.
func TestKilledEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	h := newHouse(t)
	h.start()
	queues := sqs.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(h.url), HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("told")})
	h.check(err)
	code, err := bootstrap.Zip(program)
	h.check(err)
	_, err = h.lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Timeout: aws.Int32(30),
		Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String(demo.HandlerName), Code: &lambdatypes.FunctionCode{ZipFile: code},
	})
	h.check(err)
	told := "arn:aws:sqs:us-east-1:000000000000:told"
	_, err = h.lambda.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String("f"), MaximumRetryAttempts: aws.Int32(0), DestinationConfig: &lambdatypes.DestinationConfig{
			OnSuccess: &lambdatypes.OnSuccess{Destination: &told}, OnFailure: &lambdatypes.OnFailure{Destination: &told},
		},
	})
	h.check(err)
	h.await("the function", func() bool {
		c, err := h.lambda.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("f")})
		h.check(err)
		return c.State == lambdatypes.StateActive
	})
	sent := &events{client: h.lambda, acknowledged: map[int]bool{}}
	for range 3 {
		ctx, stop := context.WithCancel(t.Context())
		var sending sync.WaitGroup
		for range 4 {
			sending.Go(func() { sent.run(ctx) })
		}
		goal := sent.count() + 50 + rand.IntN(100)
		h.await("events", func() bool { return sent.count() >= goal })
		h.kill()
		stop()
		sending.Wait()
		h.start()
	}
	h.await("every acknowledged event", func() bool {
		got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10})
		h.check(err)
		for _, m := range got.Messages {
			var document struct{ RequestPayload struct{ N int } }
			h.check(json.Unmarshal([]byte(aws.ToString(m.Body)), &document))
			sent.told(document.RequestPayload.N)
			_, err := queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: queue.QueueUrl, ReceiptHandle: m.ReceiptHandle})
			h.check(err)
		}
		return sent.missing() == 0
	})
	h.stop()
	if sent.refusal != nil {
		t.Error(sent.refusal)
	}
	t.Logf("%d events acknowledged over 3 kills", sent.count())
}

// events sends events and remembers which were acknowledged, and which of them the queue was told of.
type events struct {
	client *lambda.Client

	mu           sync.Mutex
	n            int
	acknowledged map[int]bool // whether the queue was told
	refusal      error
}

func (e *events) run(ctx context.Context) {
	for ctx.Err() == nil {
		e.mu.Lock()
		e.n++
		n := e.n
		e.mu.Unlock()
		_, err := e.client.Invoke(ctx, &lambda.InvokeInput{
			FunctionName: aws.String("f"), InvocationType: lambdatypes.InvocationTypeEvent, Payload: fmt.Appendf(nil, `{"n":%d}`, n),
		})
		e.mu.Lock()
		var refusal interface{ ErrorCode() string }
		switch {
		case err == nil:
			e.acknowledged[n] = false // the queue is read later
		case errors.As(err, &refusal):
			e.refusal = err
		}
		e.mu.Unlock()
		if err != nil {
			return // cut off
		}
	}
}

func (e *events) told(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, there := e.acknowledged[n]; there {
		e.acknowledged[n] = true
	}
}

func (e *events) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.acknowledged)
}

// missing returns how many acknowledged events the queue was not told of.
func (e *events) missing() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, told := range e.acknowledged {
		if !told {
			n++
		}
	}
	return n
}
