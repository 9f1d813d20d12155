package logs

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/logs"
)

// StartLiveTail answers with the events of groups as they come, once a second.
func (d *Door) StartLiveTail(ctx context.Context, in *StartLiveTailRequest) (protocol.EventStream, error) {
	filter := logs.TailFilter{Streams: in.LogStreamNames, Prefixes: in.LogStreamNamePrefixes}
	for _, identifier := range in.LogGroupIdentifiers {
		if !strings.HasPrefix(identifier, "arn:") || strings.HasSuffix(identifier, ":*") {
			return nil, invalid("%s is not a valid log group ARN.", identifier)
		}
		n, err := byARN(ctx, identifier)
		if err != nil {
			return nil, err
		}
		filter.Groups = append(filter.Groups, n)
	}
	if len(filter.Groups) > 1 && len(filter.Streams)+len(filter.Prefixes) > 0 {
		return nil, invalid("Log stream names and prefixes can be specified with a single log group only.")
	}
	if in.LogStreamNames != nil && in.LogStreamNamePrefixes != nil {
		return nil, invalid("LogStream names and LogStream name prefixes are mutually exclusive parameters.")
	}
	var err error
	if filter.Match, err = match(in.LogEventFilterPattern); err != nil {
		return nil, err
	}
	tail, err := d.Logs.Tail(filter)
	if err != nil {
		return nil, translate(err)
	}
	return &session{tail: tail, start: &LiveTailSessionStart{
		RequestId: new(protocol.CallFrom(ctx).RequestID), SessionId: new(uuid.NewString()),
		LogGroupIdentifiers: in.LogGroupIdentifiers, LogStreamNames: in.LogStreamNames,
		LogStreamNamePrefixes: in.LogStreamNamePrefixes, LogEventFilterPattern: in.LogEventFilterPattern,
	}}, nil
}

// session is a tail as the dispatcher sees it.
type session struct {
	tail  *logs.Tail
	start *LiveTailSessionStart // until it has been told
}

// Next implements protocol.EventStream.
func (s *session) Next(ctx context.Context) (protocol.Event, error) {
	if start := s.start; start != nil {
		s.start = nil
		return start, nil
	}
	events, sampled, err := s.tail.Next(ctx)
	if errors.Is(err, logs.ErrTailOver) {
		return nil, &protocol.Error{Code: "SessionTimeoutException", Message: "The session timed out after 3 hours."}
	}
	if err != nil {
		return nil, err
	}
	update := &LiveTailSessionUpdate{
		SessionMetadata: &LiveTailSessionMetadata{Sampled: &sampled}, SessionResults: make([]LiveTailSessionLogEvent, len(events)),
	}
	for i, e := range events {
		update.SessionResults[i] = LiveTailSessionLogEvent{
			LogStreamName: &e.Stream, LogGroupIdentifier: new(e.Group.Account + ":" + e.Group.Group), Message: &e.Message,
			Timestamp: millis(e.Time), IngestionTime: millis(e.Ingested),
		}
	}
	return update, nil
}

// Close implements protocol.EventStream.
func (s *session) Close() { s.tail.Close() }
