package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/millrace/millrace/internal/arn"
)

// Destination takes what is to be told of events: queues, topics and buckets.
type Destination interface {
	// Send returns when the destination has the notice. Whether there is such a queue, topic or bucket shows here.
	Send(ctx context.Context, arn string, n Notice) error
	// MaySend reports why a role may not send to what the name means, which may be a function, too; nil when it may.
	MaySend(role, arn string) error
}

// Notice is a document on its way to a Destination.
type Notice struct {
	// Account and Region are the function's, Role is the one that it runs with.
	Account, Region, Role string
	// Body is the document. The destination neither changes nor keeps it.
	Body []byte
	// Key names the object when the destination is a bucket. It is the same for every attempt to send a document.
	Key string
	// Attributes go beside the body to queues and topics.
	Attributes []Attribute
	// Subject goes before the body to topics; empty for none.
	Subject string
	// Trace is the header X-Amzn-Trace-Id for who is invoked because of the notice.
	Trace string
}

// Attribute is a typed value beside a message.
type Attribute struct{ Name, Type, Text string }

const (
	// noticeTries is how often sending is tried, noticeWait how long it waits before it is tried for the second time, and
	// half of how long before the third.
	noticeTries = 3
	noticeWait  = time.Second
	// maxErrorMessage bounds the attribute ErrorMessage of dead letters, in bytes.
	maxErrorMessage = 1024
)

// nowhere is the Destination of who has none.
type nowhere struct{}

func (nowhere) MaySend(string, string) error { return nil }

func (nowhere) Send(_ context.Context, arn string, _ Notice) error {
	return &DestinationMissingError{ARN: arn}
}

// ending is an event that has ended.
type ending struct {
	event     *queued
	function  Function // what was invoked, or would have been
	config    EventConfig
	outcome   attempt
	condition condition
	at        time.Time
}

// report tells the destinations of an event what became of it. What they do not take is dropped after some tries; the
// error says that the event cannot be read or that the room stops.
func (s *Service) report(ctx context.Context, d *ending) error {
	to, dead := d.config.OnFailure, d.function.DeadLetterARN
	if d.condition == succeeded {
		to, dead = d.config.OnSuccess, ""
	}
	if to == "" && dead == "" {
		return nil
	}
	payload, err := s.eventPayload(ctx, d.event)
	if err != nil {
		return err
	}
	about := d.event.About
	n := Notice{Account: about.Account, Region: about.Region, Role: d.function.Role, Trace: s.follow(d.event.TraceID, about.Name)}
	if to != "" {
		n.Body = d.document(payload)
		n.Key = "aws/lambda/async/" + about.Name.Name + d.at.UTC().Format("/2006/01/02/2006-01-02T15.04.05-") + uuid.NewString()
		if err := s.notify(ctx, d, to, n, DestinationDeliveryFailures); err != nil {
			return err
		}
	}
	if dead == "" {
		return nil
	}
	n.Body, n.Attributes = payload, d.attributes()
	return s.notify(ctx, d, dead, n, DeadLetterErrors)
}

// notify sends a notice, or drops it after some tries. The error says that the context ended before either.
func (s *Service) notify(ctx context.Context, d *ending, to string, n Notice, failures Metric) error {
	var err error
	for try := 1; ; try++ {
		if err = s.send(ctx, d, to, n); err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if try == noticeTries {
			break
		}
		if !s.sleep(ctx, noticeWait*time.Duration(try), nil) {
			return ctx.Err()
		}
	}
	s.recordEvent(d.event.About, failures, 1)
	s.log.Error("notice of an event dropped", "function", d.event.About.ARN(), "request", d.event.RequestID,
		"condition", d.condition, "destination", to, "err", err)
	return nil
}

// send brings a notice to another function, or to a destination outside the room.
func (s *Service) send(ctx context.Context, d *ending, to string, n Notice) error {
	if err := s.destination.MaySend(n.Role, to); err != nil {
		return err
	}
	if a, err := arn.Parse(to); err != nil || a.Service != "lambda" {
		return s.destination.Send(ctx, to, n)
	}
	ref, err := ParseRef(to, d.event.About.Account, d.event.About.Region)
	if err != nil {
		return err
	}
	return s.InvokeAsync(ctx, Invocation{Ref: ref, Payload: n.Body, Vouched: true, TraceID: n.Trace})
}

// documentTime is the form of times in documents and in the log.
const documentTime = "2006-01-02T15:04:05.000Z"

// document is what a destination is told, as AWS has it.
func (d *ending) document(payload []byte) []byte {
	type requestContext struct {
		RequestID   string    `json:"requestId"`
		FunctionARN string    `json:"functionArn"`
		Condition   condition `json:"condition"`
		InvokeCount int       `json:"approximateInvokeCount"`
	}
	type responseContext struct {
		StatusCode      int    `json:"statusCode"`
		ExecutedVersion string `json:"executedVersion"`
		FunctionError   string `json:"functionError,omitempty"`
	}
	document := struct {
		Version         string           `json:"version"`
		Timestamp       string           `json:"timestamp"`
		RequestContext  requestContext   `json:"requestContext"`
		RequestPayload  json.RawMessage  `json:"requestPayload"`
		ResponseContext *responseContext `json:"responseContext,omitempty"`
		ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
	}{
		Version: "1.0", Timestamp: d.at.UTC().Format(documentTime), RequestPayload: payload,
		RequestContext: requestContext{d.event.RequestID, d.event.About.InvokedARN(), d.condition, d.event.Failures},
	}
	if d.condition == succeeded {
		document.RequestContext.InvokeCount++
	}
	if r := d.outcome.result; r != nil {
		document.ResponseContext = &responseContext{200, r.ExecutedVersion, r.FunctionError}
		document.ResponsePayload = asJSON(r.Payload)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document); err != nil {
		return nil // all of it is JSON
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// asJSON returns a payload, which a function may have made of anything, as JSON: a string when it is none.
func asJSON(payload []byte) json.RawMessage {
	if json.Valid(payload) {
		return payload
	}
	text, err := compactJSON(string(payload))
	if err != nil {
		return json.RawMessage("null") // strings always marshal
	}
	return json.RawMessage(text)
}

// attributes go beside a dead letter.
func (d *ending) attributes() []Attribute {
	code, message := 200, ""
	var throttled *ThrottledError
	switch r := d.outcome.result; {
	case r != nil:
		var document struct {
			ErrorMessage string `json:"errorMessage"`
		}
		if json.Unmarshal(r.Payload, &document) == nil {
			message = document.ErrorMessage
		}
		setDefault(&message, r.ErrorType)
	case d.outcome.zero, errors.As(d.outcome.err, &throttled):
		code, message = 429, "Rate Exceeded."
	default:
		code, message = 500, d.outcome.err.Error()
	}
	return []Attribute{
		{"RequestID", "String", d.event.RequestID},
		{"ErrorCode", "Number", strconv.Itoa(code)},
		{"ErrorMessage", "String", clip(message, maxErrorMessage)},
	}
}

// clip returns the beginning of a text, cut between characters.
func clip(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	for !utf8.RuneStart(text[bytes]) {
		bytes--
	}
	return text[:bytes]
}
