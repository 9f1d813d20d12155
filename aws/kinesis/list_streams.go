package kinesis

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// maxListedStreams is how many streams a page of ListStreams has, when not asked for fewer.
const maxListedStreams = 100

// ListStreams lists the account's streams of the region in the order of their names.
func (d *Door) ListStreams(ctx context.Context, in *ListStreamsInput) (*ListStreamsOutput, error) {
	call := protocol.CallFrom(ctx)
	after := ""
	if in.ExclusiveStartStreamName != nil {
		after = *in.ExclusiveStartStreamName
	}
	if in.NextToken != nil {
		name, err := d.Streams.ListFrom(call.Account, call.Region, *in.NextToken)
		if err != nil {
			return nil, translate(err, noStream(call))
		}
		after = name
	}
	limit := maxListedStreams
	if in.Limit != nil {
		limit = min(limit, *in.Limit)
	}
	list, more, err := d.Streams.List(ctx, call.Account, call.Region, after, limit)
	if err != nil {
		return nil, err
	}
	out := &ListStreamsOutput{StreamNames: []string{}, HasMoreStreams: more, StreamSummaries: []StreamSummary{}}
	for _, s := range list {
		out.StreamNames = append(out.StreamNames, s.Name.Name)
		out.StreamSummaries = append(out.StreamSummaries, StreamSummary{
			StreamName:              s.Name.Name,
			StreamARN:               s.Name.ARN(),
			StreamStatus:            string(s.Status),
			StreamModeDetails:       &StreamModeDetails{StreamMode: string(s.Mode)},
			StreamCreationTimestamp: new(s.Created),
		})
	}
	if more {
		token, err := d.Streams.ListAfter(call.Account, call.Region, list[len(list)-1].Name.Name)
		if err != nil {
			return nil, err
		}
		out.NextToken = &token
	}
	return out, nil
}
