package protocol

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/millrace/millrace/aws/protocol/wire"
)

// EventStream is an answer that goes on: events that are sent as they come. The dispatcher asks for an event when the one
// before has been taken by the client, so that a slow client holds back its own stream and nothing else.
type EventStream interface {
	// Next waits for the next event. io.EOF ends the answer, an *Error whose code is among the operation's exceptions ends
	// it with that, and any other error with the operation's fault. The context ends when the client leaves.
	Next(ctx context.Context) (Event, error)
	// Close is called once, after the last Next.
	Close()
}

// EventHead is an EventStream that says what stands before the events: the status, 0 for the usual one, and headers.
type EventHead interface {
	EventStream
	Head(h http.Header) (status int)
}

// Event is one event of a stream. Generated types implement it.
type Event interface {
	Output
	// EventType is the event's name in its stream.
	EventType() string
}

const (
	typeEventStream = "application/vnd.amazon.eventstream"
	typeBlob        = "application/octet-stream"
	// eventPatience is how long a client may take to make room for an event. Other than the deadline of a whole answer it
	// does not cut streams whose clients read.
	eventPatience = 5 * time.Minute
)

// encoders are lent out for an event each, since they keep what they last wrote.
var encoders = sync.Pool{New: func() any { return eventstream.NewEncoder() }}

// sendEvents answers with the stream's events until it ends.
func (x *exchange) sendEvents(ctx context.Context, stream EventStream) {
	defer stream.Close()
	x.body.release() // it would be held as long as the stream lasts
	x.answered = true
	status := http.StatusOK
	x.w.Header().Set("Content-Type", typeEventStream)
	if head, ok := stream.(EventHead); ok {
		status = cmp.Or(head.Head(x.w.Header()), status)
	}
	x.ended.Status, x.ended.Duration = status, time.Since(x.start)
	x.w.WriteHeader(status)
	control := http.NewResponseController(x.w)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }() // the connection has other requests after this one

	var err error
	contentType := x.contentType
	if x.call.Protocol == REST {
		contentType = typeJSON
	} else { // REST has headers for this
		err = x.sendFrame(control, "event", "initial-response", contentType, x.call.Encoding.Append(borrow(smallAnswer), exception("")))
	}
	for err == nil {
		var event Event
		if event, err = stream.Next(ctx); err != nil {
			x.endEvents(ctx, control, err)
			return
		}
		if raw, ok := event.(payloadOutput); ok {
			err = x.sendFrame(control, "event", event.EventType(), typeBlob, append(borrow(len(raw.RawBody())), raw.RawBody()...))
			continue
		}
		err = x.sendFrame(control, "event", event.EventType(), contentType, x.call.Encoding.Append(borrow(room(event)), event))
	}
	x.Log.Debug("client left its events", "operation", x.call.Operation, "request", x.call.RequestID, "error", err)
}

// endEvents tells the client why there are no more events, unless that is as it should be.
func (x *exchange) endEvents(ctx context.Context, control *http.ResponseController, err error) {
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return
	}
	var e *Error
	if !errors.As(err, &e) || !slices.Contains(x.op.Exceptions, e.Code) {
		x.Log.Error("events ended", "service", x.call.Service, "operation", x.call.Operation, "request", x.call.RequestID, "error", err)
		e = &Error{Code: x.op.Fault}
	}
	x.ended.Code = e.Code
	body := x.call.Encoding.Append(borrow(smallAnswer), exception(e.Message))
	if err := x.sendFrame(control, "exception", e.Code, x.contentType, body); err != nil {
		x.Log.Debug("client left its events", "operation", x.call.Operation, "request", x.call.RequestID, "error", err)
	}
}

// exception is the payload of an exception, with the text if there is one. Without a text it is also that of the initial
// response, which has no members.
type exception string

// Encode writes the payload.
func (e exception) Encode(w wire.Writer) {
	w.OpenStruct()
	if e != "" {
		w.Name("message")
		w.String(string(e))
	}
	w.CloseStruct()
}

// sendFrame sends one message of the stream, and gives its payload back.
func (x *exchange) sendFrame(control *http.ResponseController, kind, name, contentType string, payload []byte) error {
	_ = control.SetWriteDeadline(time.Now().Add(eventPatience)) // a recorder in a test has none
	err := writeFrame(x.w, kind, name, contentType, payload)
	if err != nil {
		return err
	}
	return control.Flush()
}

// writeFrame writes one message in AWS's encoding. The payload is given back before the client has to take the message,
// which may be long after.
func writeFrame(w io.Writer, kind, name, contentType string, payload []byte) error {
	encoder := encoders.Get().(*eventstream.Encoder)
	defer encoders.Put(encoder)
	message := eventstream.Message{Payload: payload, Headers: eventstream.Headers{
		{Name: ":message-type", Value: eventstream.StringValue(kind)},
		{Name: ":" + kind + "-type", Value: eventstream.StringValue(name)},
		{Name: ":content-type", Value: eventstream.StringValue(contentType)},
	}}
	return encoder.Encode(writerFunc(func(b []byte) (int, error) { // is called once, with the whole message
		giveBack(payload)
		return w.Write(b)
	}), message)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
