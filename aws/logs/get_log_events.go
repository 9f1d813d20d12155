package logs

import (
	"context"
	"strings"

	"github.com/millrace/millrace/logs"
)

// maxEvents is how many events a page has.
const maxEvents = 10_000

// GetLogEvents reads a stream, from its end backward or from its beginning forward, and from wherever that led in both
// directions.
func (d *Door) GetLogEvents(ctx context.Context, in *GetLogEventsRequest) (*GetLogEventsResponse, error) {
	n, err := chosen(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	query := logs.Query{
		Streams: []string{in.LogStreamName}, From: moment(in.StartTime), To: moment(in.EndTime),
		Backward: !isTrue(in.StartFromHead), Limit: value(in.Limit, maxEvents),
	}
	if in.NextToken != nil {
		if query.At, query.Backward, err = readDirection(*in.NextToken); err != nil {
			return nil, translate(err)
		}
	}
	page, err := d.Logs.Read(ctx, n, query)
	if err != nil {
		return nil, translate(err)
	}
	out := &GetLogEventsResponse{
		Events: make([]OutputLogEvent, len(page.Events)), NextForwardToken: new(forward + page.End.String() + sealed),
		NextBackwardToken: new(backward + page.Begin.String() + sealed),
	}
	for i, e := range page.Events {
		out.Events[i] = OutputLogEvent{Timestamp: millis(e.Time), Message: &e.Message, IngestionTime: millis(e.Ingested)}
	}
	return out, nil
}

// The parts of a token: a direction, a place in the group, and an end. At the end of a stream the token stays the same,
// which clients stop at.
const (
	forward  = "f/"
	backward = "b/"
	sealed   = "/s"
)

func readDirection(text string) (at *logs.Place, back bool, err error) {
	digits, isForward := strings.CutPrefix(text, forward)
	if !isForward {
		if digits, back = strings.CutPrefix(text, backward); !back {
			return nil, false, logs.ErrToken
		}
	}
	place, err := logs.ParsePlace(strings.TrimSuffix(digits, sealed))
	return &place, back, err
}
