package logs

import (
	"context"

	"github.com/millrace/millrace/logs"
)

// FilterLogEvents reads the events of a group, of all its streams or of some, in the order of their times. A page may have
// few events, or none, and a token nevertheless: then much has been looked through.
func (d *Door) FilterLogEvents(ctx context.Context, in *FilterLogEventsRequest) (*FilterLogEventsResponse, error) {
	n, err := chosen(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if in.LogStreamNames != nil && in.LogStreamNamePrefix != nil {
		return nil, invalid("LogStream names and LogStream name prefix are mutually exclusive parameters.")
	}
	query := logs.Query{
		Streams: in.LogStreamNames, All: in.LogStreamNames == nil, Prefix: value(in.LogStreamNamePrefix, ""),
		From: moment(in.StartTime), To: moment(in.EndTime), Backward: !value(in.StartFromHead, true),
		Limit: value(in.Limit, maxEvents),
	}
	if query.Match, err = match(in.FilterPattern); err != nil {
		return nil, err
	}
	if in.NextToken != nil {
		var digits string
		if err := readToken(in.NextToken, &digits); err != nil {
			return nil, err
		}
		place, err := logs.ParsePlace(digits)
		if err != nil {
			return nil, translate(err)
		}
		query.At = &place
	}
	page, err := d.Logs.Read(ctx, n, query)
	if err != nil {
		return nil, translate(err)
	}
	out := &FilterLogEventsResponse{Events: make([]FilteredLogEvent, len(page.Events)), SearchedLogStreams: []SearchedLogStream{}}
	for i, e := range page.Events {
		out.Events[i] = FilteredLogEvent{
			LogStreamName: &e.Stream, Timestamp: millis(e.Time), Message: &e.Message, IngestionTime: millis(e.Ingested),
			EventId: new(e.Place.String()),
		}
	}
	switch {
	case page.More && query.Backward:
		out.NextToken = token(page.Begin.String())
	case page.More:
		out.NextToken = token(page.End.String())
	}
	return out, nil
}
