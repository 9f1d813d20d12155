package sqs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// CancelMessageMoveTask ends a task. Messages that were moved stay where they are.
func (d *Door) CancelMessageMoveTask(ctx context.Context, in *CancelMessageMoveTaskRequest) (*CancelMessageMoveTaskResult, error) {
	call := protocol.CallFrom(ctx)
	id, source, err := openTaskHandle(in.TaskHandle)
	if err != nil {
		return nil, err
	}
	name, err := locateARN(call, "SourceArn", source)
	if err != nil {
		return nil, err
	}
	task, err := d.Queues.CancelMove(ctx, name, id)
	if err != nil {
		return nil, moveFault(err)
	}
	return &CancelMessageMoveTaskResult{ApproximateNumberOfMessagesMoved: &task.Moved}, nil
}
