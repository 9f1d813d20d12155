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
		return d.moving(ctx, call, a.Action, members["SourceArn"], members["DestinationArn"])
	case members["TaskHandle"] != "":
		_, source, err := openTaskHandle(members["TaskHandle"])
		if err != nil {
			return nil, err
		}
		return d.moving(ctx, call, a.Action, source, "")
	}
	return []protocol.Access{d.on(ctx, name, a.Action)}, nil
}

// on is what is done to one queue.
func (d *Door) on(ctx context.Context, name queue.Name, action string) protocol.Access {
	a := protocol.Access{Action: action, Resource: name.ARN()}
	if q, err := d.Queues.Describe(ctx, name); err == nil {
		a.Policy = q.Attributes["Policy"]
		a.Tagged(q.Tags)
	}
	return a
}

// moving is what the operations on move tasks do. Who starts one takes messages from one queue and puts them into others: into
// that of the destination, or back into all that they may have come from.
func (d *Door) moving(ctx context.Context, call protocol.Call, action, source, destination string) ([]protocol.Access, error) {
	from, err := locateARN(call, "SourceArn", source)
	if err != nil {
		return nil, err
	}
	all := []protocol.Access{d.on(ctx, from, action)}
	if action != "sqs:StartMessageMoveTask" {
		return all, nil
	}
	for _, other := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
		all = append(all, d.on(ctx, from, other))
	}
	into := []queue.Name{}
	if destination != "" {
		to, err := locateARN(call, "DestinationArn", destination)
		if err != nil {
			return nil, err
		}
		into = append(into, to)
	} else {
		names, _ := d.Queues.DeadLetterSources(from, "", maxSources)
		for _, name := range names {
			into = append(into, queue.Name{Account: from.Account, Region: from.Region, Name: name})
		}
	}
	for _, to := range into {
		all = append(all, d.on(ctx, to, "sqs:SendMessage"))
	}
	return all, nil
}

// maxSources bounds how many queues are looked at from which messages may have come.
const maxSources = 1000
