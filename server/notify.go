package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/topic"
)

// queueDeliverer hands notifications of topics over to queues of this server.
type queueDeliverer struct{ queues *queue.Service }

// Deliver implements topic.Deliverer.
func (d queueDeliverer) Deliver(ctx context.Context, endpoint string, deliveries []topic.Delivery) ([]error, error) {
	a, err := arn.Parse(endpoint)
	if err != nil {
		return refuse(deliveries, err), nil
	}
	name := queue.Name{Account: a.Account, Region: a.Region, Name: a.Resource}
	messages := make([]queue.Message, len(deliveries))
	for i, one := range deliveries {
		messages[i] = queue.Message{
			Body: one.Body, Sender: "sns", Attributes: queueAttributes(one.Attributes), Group: one.Group, DeduplicationID: one.DeduplicationID,
		}
		if !strings.HasSuffix(name.Name, ".fifo") { // only FIFO queues know messages again
			messages[i].DeduplicationID = nil
		}
	}
	sent, err := d.queues.Send(ctx, name, messages...)
	var long *queue.TooLongError
	switch {
	case errors.As(err, &long) && len(deliveries) > 1: // not all together, then one by one
		return d.deliverSingly(ctx, endpoint, deliveries)
	case errors.Is(err, queue.ErrNotFound), errors.As(err, &long):
		return refuse(deliveries, err), nil
	case err != nil:
		return nil, err
	}
	refused := make([]error, len(sent))
	for i := range sent {
		refused[i] = sent[i].Err
	}
	return refused, nil
}

func (d queueDeliverer) deliverSingly(ctx context.Context, endpoint string, deliveries []topic.Delivery) ([]error, error) {
	var refused []error
	for _, one := range deliveries {
		r, err := d.Deliver(ctx, endpoint, []topic.Delivery{one})
		if err != nil {
			return nil, err
		}
		refused = append(refused, r...)
	}
	return refused, nil
}

// refuse gives one reason for all.
func refuse(deliveries []topic.Delivery, reason error) []error {
	refused := make([]error, len(deliveries))
	for i := range refused {
		refused[i] = reason
	}
	return refused
}

func queueAttributes(given map[string]topic.Attribute) map[string]queue.Attribute {
	if len(given) == 0 {
		return nil
	}
	all := make(map[string]queue.Attribute, len(given))
	for name, a := range given {
		all[name] = queue.Attribute{Type: a.Type, Text: a.Text, Binary: a.Binary}
	}
	return all
}

// topicInvoker gives events to functions of this server for topics.
type topicInvoker struct{ functions *function.Service }

// InvokeAsync implements topic.Invoker. From then on the event is the function's: its retries, its destinations.
func (i topicInvoker) InvokeAsync(ctx context.Context, name, trace string, event []byte) error {
	a, err := arn.Parse(name)
	if err != nil {
		return fmt.Errorf("%w: %w", topic.ErrUndeliverable, err)
	}
	ref, err := function.ParseRef(name, a.Account, a.Region)
	if err != nil {
		return fmt.Errorf("%w: %w", topic.ErrUndeliverable, err)
	}
	err = i.functions.InvokeAsync(ctx, function.Invocation{Ref: ref, Payload: event, Vouched: true, TraceID: trace})
	var large *function.PayloadTooLargeError
	if errors.Is(err, function.ErrNotFound) || errors.As(err, &large) {
		return fmt.Errorf("%w: %w", topic.ErrUndeliverable, err)
	}
	return err
}

const (
	// postTimeout is how long a web server has to answer, as on AWS.
	postTimeout = 15 * time.Second
	// maxPostAnswer is how much of an answer is read. Nobody looks at it; a short one lets the connection be used again.
	maxPostAnswer = 64 << 10
)

// webPoster posts notifications of topics to web servers.
type webPoster struct{ client *http.Client }

func newWebPoster() webPoster {
	dialer := &net.Dialer{Timeout: postTimeout}
	return webPoster{&http.Client{
		Timeout: postTimeout,
		// A redirect is an answer like another, and no success.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: postTimeout, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns: 100, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
		},
	}}
}

// Post implements topic.Poster.
func (p webPoster) Post(ctx context.Context, url string, header http.Header, body []byte) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", topic.ErrUndeliverable, err)
	}
	r.Header = header
	answer, err := p.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxPostAnswer)) // the status has come, and says all
	return answer.StatusCode, nil
}
