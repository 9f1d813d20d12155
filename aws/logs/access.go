package logs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/logs"
)

// access names the group of each operation, and the stream where one is meant. AWS names a group by all of its streams except
// where tags are concerned: log-group:NAME:log-stream: and log-group:NAME.
func (d *Door) access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	call := protocol.CallFrom(ctx)
	members := protocol.Members(in)
	action := "logs:" + call.Operation
	switch in := in.(type) {
	case *StartLiveTailRequest:
		var all []protocol.Access
		for _, identifier := range in.LogGroupIdentifiers {
			n, err := identified(ctx, identifier)
			if err != nil {
				return nil, err
			}
			all = append(all, d.on(ctx, n, action, allStreams))
		}
		if len(all) > 0 {
			return all, nil
		}
	case *TagResourceRequest, *UntagResourceRequest, *ListTagsForResourceRequest:
		n, err := byARN(ctx, members["ResourceArn"])
		if err != nil {
			return nil, err
		}
		return []protocol.Access{d.on(ctx, n, action, "")}, nil
	}
	n := named(ctx, members["LogGroupName"])
	if identifier := members["LogGroupIdentifier"]; n.Group == "" && identifier != "" {
		var err error
		if n, err = identified(ctx, identifier); err != nil {
			return nil, err
		}
	}
	return []protocol.Access{d.on(ctx, n, action, allStreams+members["LogStreamName"])}, nil
}

const allStreams = ":log-stream:"

func (d *Door) on(ctx context.Context, n logs.Name, action, suffix string) protocol.Access {
	a := protocol.Access{Action: action, Resource: arn.New("logs", n.Region, n.Account, groupPrefix+n.Group+suffix).String()}
	if g, err := d.Logs.Group(ctx, n); err == nil {
		a.Tagged(g.Tags)
	}
	return a
}
