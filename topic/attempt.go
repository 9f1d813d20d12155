package topic

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/millrace/millrace/store"
)

// Poster posts to web servers.
type Poster interface {
	// Post returns the status of the answer. It follows no redirects, and bounds its own time and the size of the answer.
	Post(ctx context.Context, url string, header http.Header, body []byte) (status int, err error)
}

// Invoker runs functions.
type Invoker interface {
	// InvokeAsync returns when the function, which is named by its ARN, has taken the event over. ErrUndeliverable says that
	// it never will. trace is the header X-Amzn-Trace-Id of who published, or empty.
	InvokeAsync(ctx context.Context, function, trace string, event []byte) error
}

// attempt tries to be done with a parcel, and notes what comes next: in the store first. When that fails, only that is
// tried again.
func (s *Service) attempt(ctx context.Context, subscription string, p *parcel) {
	var err error
	if !p.tried {
		if p.next, err = s.try(ctx, subscription, p); ctx.Err() != nil {
			return // the next Run tries again
		}
		p.tried = err == nil
	}
	free := context.WithoutCancel(ctx)
	switch {
	case err != nil:
	case p.next == nil:
		err = s.backlog.settle(free, subscription, p.key)
		p.done = err == nil
	default:
		if err = s.backlog.rows.Put(free, p.key, *p.next, 0); err == nil {
			p.row, p.tried = *p.next, false
		}
	}
	if err != nil {
		s.log.Error("backlog cannot be kept", "subscription", subscription, "error", err)
		p.row.Due = s.clock.Now().Add(trouble)
	}
}

// try makes one attempt and returns what the parcel's row is to be afterwards, nil when it is done with. The error is the
// store's.
func (s *Service) try(ctx context.Context, subscription string, p *parcel) (*parcelRow, error) {
	parts := store.SplitKey(subscription)
	e, sub, err := s.subscription(Name{parts[0], parts[1], parts[2]}, parts[3])
	if err != nil {
		return nil, nil //nolint:nilerr // nobody is subscribed any more
	}
	content, _, err := s.backlog.contents.Get(ctx, p.key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // it was done with before
	}
	if err != nil {
		return nil, err
	}
	n := content.notification(e, &sub)
	if p.row.Dead {
		return s.tryGrave(ctx, &n, p.row)
	}
	err = s.bring(ctx, e, &n)
	if err == nil || ctx.Err() != nil {
		return nil, nil
	}
	s.log.Debug("notification not delivered", "subscription", sub.ARN(), "endpoint", sub.Endpoint, "attempts", p.row.Attempts+1, "error", err)
	if next := s.postpone(e, &sub, p.row, err); next != nil {
		return next, nil
	}
	if n.kind == typeConfirmation {
		s.log.Warn("subscription not confirmed", "subscription", sub.ARN(), "endpoint", sub.Endpoint, "error", err)
		return nil, nil
	}
	return s.tryGrave(ctx, &n, parcelRow{Dead: true, Reason: err.Error()})
}

// postpone is when to try again after an error, nil for never.
func (s *Service) postpone(e *entry, sub *Subscription, row parcelRow, err error) *parcelRow {
	if errors.Is(err, ErrUndeliverable) {
		return nil
	}
	row.Attempts++
	policy := e.retries(sub)
	wait, more := policy.delay(row.Attempts)
	if !more {
		return nil
	}
	row.Due = s.clock.Now().Add(wait).UTC()
	return &row
}

// tryGrave tries to send what is given up to the dead-letter queue.
func (s *Service) tryGrave(ctx context.Context, n *notification, row parcelRow) (*parcelRow, error) {
	d, err := s.delivery(ctx, n)
	if err != nil {
		return nil, err
	}
	err = s.bury(ctx, n.subscription, d, errors.New(row.Reason))
	if err == nil {
		return nil, nil
	}
	row.Attempts++
	wait, more := managed.delay(row.Attempts)
	if !more {
		s.log.Warn("notification dropped", "subscription", n.subscription.ARN(), "endpoint", n.subscription.Endpoint, "error", err)
		return nil, nil
	}
	row.Due = s.clock.Now().Add(wait).UTC()
	return &row, nil
}

// bring hands a notification over to its endpoint.
func (s *Service) bring(ctx context.Context, e *entry, n *notification) error {
	if n.subscription.Web() {
		return s.post(ctx, e, n)
	}
	if s.invoker == nil {
		return fmt.Errorf("%w: there are no functions", ErrUndeliverable)
	}
	if reason := s.permitted(ctx, n.subscription.Topic, n.subscription.Endpoint); reason != nil {
		return fmt.Errorf("%w: %w", ErrUndeliverable, reason)
	}
	event, err := s.event(ctx, n)
	if err != nil {
		return err
	}
	return s.invoker.InvokeAsync(ctx, n.subscription.Endpoint, n.trace, event)
}

func (s *Service) post(ctx context.Context, e *entry, n *notification) error {
	if s.poster == nil {
		return fmt.Errorf("%w: there is no way to web servers", ErrUndeliverable)
	}
	header := http.Header{}
	header.Set("Content-Type", "text/plain; charset=UTF-8")
	if policy := e.retries(n.subscription); policy.contentType != "" {
		header.Set("Content-Type", policy.contentType)
	}
	header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	header.Set("X-Amz-Sns-Message-Type", n.kind)
	header.Set("X-Amz-Sns-Message-Id", n.id)
	header.Set("X-Amz-Sns-Topic-Arn", n.topic.ARN())
	body, err := "", error(nil)
	if n.kind == typeNotification {
		header.Set("X-Amz-Sns-Subscription-Arn", n.subscription.ARN())
	}
	if n.kind == typeNotification && n.subscription.Raw() {
		header.Set("X-Amz-Sns-Rawdelivery", "true")
		body = n.text
	} else if body, err = s.envelope(ctx, n); err != nil {
		return err
	}
	status, err := s.poster.Post(ctx, n.subscription.Endpoint, header, []byte(body))
	return judge(status, err)
}

// judge says what an answer means: that of a server in trouble is asked for again, a refusal is final.
func judge(status int, err error) error {
	switch {
	case err != nil:
		return err
	case status/100 == 2:
		return nil
	case status == http.StatusTooManyRequests, status/100 == 5, status/100 == 1:
		return fmt.Errorf("the endpoint answered %d", status)
	}
	return fmt.Errorf("%w: the endpoint answered %d", ErrUndeliverable, status)
}
