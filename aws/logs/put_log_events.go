package logs

import (
	"context"
	"time"

	"github.com/millrace/millrace/logs"
)

// sequenceToken is what clients from before 2023 want to hand in again. It means nothing.
const sequenceToken = "49000000000000000000000000000000000000000000000000000000"

// PutLogEvents adds events to a stream, and answers when they are durable. The entity of a request is rejected, as AWS does
// where it keeps none; its events are not.
func (d *Door) PutLogEvents(ctx context.Context, in *PutLogEventsRequest) (*PutLogEventsResponse, error) {
	events := make([]logs.Event, len(in.LogEvents))
	for i, e := range in.LogEvents {
		events[i] = logs.Event{Time: time.UnixMilli(e.Timestamp), Message: e.Message}
	}
	rejected, err := d.Logs.Put(ctx, named(ctx, in.LogGroupName), in.LogStreamName, events)
	if err != nil {
		return nil, translate(err)
	}
	out := &PutLogEventsResponse{NextSequenceToken: new(sequenceToken)}
	if rejected != (logs.Rejected{}) {
		out.RejectedLogEventsInfo = &RejectedLogEventsInfo{
			TooNewLogEventStartIndex: rejected.TooNew, TooOldLogEventEndIndex: rejected.TooOld, ExpiredLogEventEndIndex: rejected.Expired,
		}
	}
	if in.Entity != nil {
		out.RejectedEntityInfo = &RejectedEntityInfo{ErrorType: EntityRejectionErrorTypeUnsupportedLogGroupType}
	}
	return out, nil
}
