package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Queue is how fast messages of 1 KiB go into a standard queue, are received and are deleted, each step by itself, and each
// durable before it is answered. The rates count messages.
type Queue struct {
	Send    Rate `json:"send"`
	Receive Rate `json:"receive"`
	Delete  Rate `json:"delete"`
}

// queueConnections are the numbers of clients that use a queue at the same time.
var queueConnections = []int{1, 32}

// queueMost bounds the messages of one measurement: a standard queue lets 120,000 be in flight.
const queueMost = 100_000

func measureQueues(ctx context.Context, o Options, c *client, r *Report) error {
	for _, messages := range []int{1, 10} {
		for _, n := range queueConnections {
			q, err := measureQueue(ctx, o, c, n, messages)
			if err != nil {
				return err
			}
			r.Queue = append(r.Queue, q)
		}
	}
	return nil
}

// measureQueue sends for a while, receives all that was sent, and deletes it.
func measureQueue(ctx context.Context, o Options, c *client, n, messages int) (q Queue, err error) {
	var queue struct{ QueueURL string }
	name := fmt.Sprintf(`{"QueueName":"bench-%d-%d","Attributes":{"VisibilityTimeout":"3600"}}`, messages, n)
	if err := c.sqs(ctx, "CreateQueue", name, &queue); err != nil {
		return q, err
	}
	var sent, got atomic.Int64
	body, operation := sendBody(queue.QueueURL, messages), "SendMessage"
	if messages > 1 {
		operation += "Batch"
	}
	clock := startTimer(o.Seconds)
	q.Send, err = phase(ctx, n, messages, func(int) (int, error) {
		if !clock.running() || sent.Add(int64(messages)) > queueMost {
			return 0, nil
		}
		return messages, c.sqs(ctx, operation, body, nil)
	})
	if err != nil {
		return q, err
	}
	handles := make([][]string, n)
	q.Receive, err = phase(ctx, n, messages, func(worker int) (int, error) {
		more, err := c.receive(ctx, queue.QueueURL, messages)
		handles[worker] = append(handles[worker], more...)
		got.Add(int64(len(more)))
		return len(more), err
	})
	if err != nil {
		return q, err
	}
	q.Delete, err = phase(ctx, n, messages, func(worker int) (int, error) {
		some := handles[worker][:min(messages, len(handles[worker]))]
		handles[worker] = handles[worker][len(some):]
		return len(some), c.deleteMessages(ctx, queue.QueueURL, some)
	})
	if err == nil && q.Send.Latency.Count*messages != int(got.Load()) {
		err = fmt.Errorf("%d calls sent, %d messages received", q.Send.Latency.Count, got.Load())
	}
	return q, errors.Join(err, c.sqs(ctx, "DeleteQueue", fmt.Sprintf(`{"QueueUrl":%q}`, queue.QueueURL), nil))
}

// phase lets n workers call step until it has done nothing, each for itself.
func phase(ctx context.Context, n, messages int, step func(worker int) (int, error)) (Rate, error) {
	var (
		group    sync.WaitGroup
		mu       sync.Mutex
		all      samples
		done     int
		problems []error
	)
	clock := startTimer(0)
	for worker := range n {
		group.Go(func() {
			var mine samples
			total := 0
			var err error
			for ctx.Err() == nil {
				begun := time.Now()
				var some int
				if some, err = step(worker); err != nil || some == 0 {
					break
				}
				mine.add(time.Since(begun))
				total += some
			}
			mu.Lock()
			defer mu.Unlock()
			all.merge(&mine)
			done += total
			problems = append(problems, err)
		})
	}
	group.Wait()
	perSecond := float64(done) / clock.elapsed().Seconds()
	return Rate{
		Connections: n, Records: messages, PerSecond: perSecond, Megabytes: perSecond * recordBytes / 1e6, Latency: all.latency(),
	}, errors.Join(append(problems, ctx.Err())...)
}

// sqs makes one call of the JSON protocol.
func (c *client) sqs(ctx context.Context, operation, body string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	return c.do(request, "sqs", answer)
}

// sendBody returns the body of a SendMessage call, or of a SendMessageBatch call for several.
func sendBody(queueURL string, messages int) string {
	text := strings.Repeat("x", recordBytes)
	if messages == 1 {
		return fmt.Sprintf(`{"QueueUrl":%q,"MessageBody":%q}`, queueURL, text)
	}
	entries := make([]string, messages)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"Id":"%d","MessageBody":%q}`, i, text)
	}
	return fmt.Sprintf(`{"QueueUrl":%q,"Entries":[%s]}`, queueURL, strings.Join(entries, ","))
}

func (c *client) receive(ctx context.Context, queueURL string, messages int) (handles []string, err error) {
	var answer struct {
		Messages []struct{ ReceiptHandle string }
	}
	err = c.sqs(ctx, "ReceiveMessage", fmt.Sprintf(`{"QueueUrl":%q,"MaxNumberOfMessages":%d}`, queueURL, messages), &answer)
	for _, m := range answer.Messages {
		handles = append(handles, m.ReceiptHandle)
	}
	return handles, err
}

func (c *client) deleteMessages(ctx context.Context, queueURL string, handles []string) error {
	switch len(handles) {
	case 0:
		return nil
	case 1:
		return c.sqs(ctx, "DeleteMessage", fmt.Sprintf(`{"QueueUrl":%q,"ReceiptHandle":%q}`, queueURL, handles[0]), nil)
	}
	entries := make([]string, len(handles))
	for i, h := range handles {
		entries[i] = fmt.Sprintf(`{"Id":"%d","ReceiptHandle":%q}`, i, h)
	}
	var answer struct{ Failed []any }
	err := c.sqs(ctx, "DeleteMessageBatch", fmt.Sprintf(`{"QueueUrl":%q,"Entries":[%s]}`, queueURL, strings.Join(entries, ",")), &answer)
	if err == nil && len(answer.Failed) > 0 {
		err = errors.New("some messages were not deleted")
	}
	return err
}
