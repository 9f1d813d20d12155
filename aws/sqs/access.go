package sqs

import (
	"context"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// access names the queue of each operation, with its policy. What is done to many messages at once needs the leave to do it to one.
func (d *Door) access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	call := protocol.CallFrom(ctx)
	members := protocol.Members(in)
	a := protocol.Access{Action: "sqs:" + strings.TrimSuffix(call.Operation, "Batch")}
	name := queue.Name{Account: call.Account, Region: call.Region, Name: "*"}
	switch {
	case members["QueueUrl"] != "":
		found, err := locate(call, members["QueueUrl"])
		if err != nil {
			return nil, err
		}
		name = found
	case members["QueueName"] != "":
		name.Name = members["QueueName"]
	case members["SourceArn"] != "":
		a.Resource = members["SourceArn"]
	}
	if a.Resource == "" {
		a.Resource = name.ARN()
		if q, err := d.Queues.Describe(ctx, name); err == nil {
			a.Policy = q.Attributes["Policy"]
		}
	}
	return []protocol.Access{a}, nil
}
