package sqs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// maxTasksListed is the most tasks that one answer has.
const maxTasksListed = 10

// ListMessageMoveTasks returns a queue's latest tasks, one if the caller does not say how many.
func (d *Door) ListMessageMoveTasks(ctx context.Context, in *ListMessageMoveTasksRequest) (*ListMessageMoveTasksResult, error) {
	source, err := locateARN(protocol.CallFrom(ctx), "SourceArn", in.SourceArn)
	if err != nil {
		return nil, err
	}
	limit := 1
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > maxTasksListed {
		return nil, invalidValue("Value for parameter MaxResults is invalid. Reason: You must enter a number that's between 1 " +
			"and 10.")
	}
	tasks, err := d.Queues.Moves(ctx, source, limit)
	if err != nil {
		return nil, moveFault(err)
	}
	out := new(ListMessageMoveTasksResult)
	for _, t := range tasks {
		entry := ListMessageMoveTasksResultEntry{
			Status: new(string(t.Status)), SourceArn: &t.Source, DestinationArn: protocol.Optional(t.Destination),
			MaxNumberOfMessagesPerSecond: protocol.Optional(t.Rate), FailureReason: protocol.Optional(t.Failure),
			ApproximateNumberOfMessagesMoved: &t.Moved, ApproximateNumberOfMessagesToMove: &t.ToMove, StartedTimestamp: &t.Started,
		}
		if t.Status == queue.TaskRunning {
			entry.TaskHandle = new(taskHandle(t))
		}
		out.Results = append(out.Results, entry)
	}
	return out, nil
}
