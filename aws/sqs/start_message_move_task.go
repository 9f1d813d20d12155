package sqs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// StartMessageMoveTask begins to move the messages of a dead-letter queue.
func (d *Door) StartMessageMoveTask(ctx context.Context, in *StartMessageMoveTaskRequest) (*StartMessageMoveTaskResult, error) {
	call := protocol.CallFrom(ctx)
	source, err := locateARN(call, "SourceArn", in.SourceArn)
	if err != nil {
		return nil, err
	}
	var destination *queue.Name
	if in.DestinationArn != nil {
		to, err := locateARN(call, "DestinationArn", *in.DestinationArn)
		if err != nil {
			return nil, err
		}
		destination = &to
	}
	task, err := d.Queues.StartMove(ctx, source, destination, in.MaxNumberOfMessagesPerSecond)
	if err != nil {
		return nil, moveFault(err)
	}
	return &StartMessageMoveTaskResult{TaskHandle: new(taskHandle(task))}, nil
}
