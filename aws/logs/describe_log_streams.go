package logs

import (
	"context"

	"github.com/millrace/millrace/logs"
)

// DescribeLogStreams lists the streams of a group, by name or by the time of their newest events.
func (d *Door) DescribeLogStreams(ctx context.Context, in *DescribeLogStreamsRequest) (*DescribeLogStreamsResponse, error) {
	n, err := chosen(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	list := logs.StreamList{
		Prefix: value(in.LogStreamNamePrefix, ""), ByTime: value(in.OrderBy, "") == OrderByLastEventTime,
		Descending: isTrue(in.Descending), Limit: value(in.Limit, maxDescribed),
	}
	if list.ByTime && list.Prefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	if err := readToken(in.NextToken, &list.After); err != nil {
		return nil, err
	}
	page, next, err := d.Logs.Streams(ctx, n, list)
	if err != nil {
		return nil, translate(err)
	}
	out := &DescribeLogStreamsResponse{LogStreams: make([]LogStream, len(page))}
	for i, s := range page {
		out.LogStreams[i] = LogStream{
			LogStreamName: &s.Name, CreationTime: millis(s.Created), FirstEventTimestamp: millis(s.FirstEvent),
			LastEventTimestamp: millis(s.LastEvent), LastIngestionTime: millis(s.Ingested), UploadSequenceToken: new(sequenceToken),
			Arn: new(groupARN(n) + ":log-stream:" + s.Name), StoredBytes: new(int64(0)), // as AWS has said of streams since 2019
		}
	}
	if next != (logs.StreamMark{}) {
		out.NextToken = token(next)
	}
	return out, nil
}
