package kinesis

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// access names the resource of each operation: the consumer or the stream that it is about, with its policy. What an iterator
// or a token reads is found out from it.
func (d *Door) access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	call := protocol.CallFrom(ctx)
	a := protocol.Access{Action: "kinesis:" + call.Operation, Resource: "*"}
	members := protocol.Members(in)
	for _, name := range []string{"ConsumerARN", "ResourceARN", "StreamARN"} {
		if members[name] != "" {
			a.Resource = members[name]
			break
		}
	}
	name := stream.Name{Account: call.Account, Region: call.Region, Name: members["StreamName"]}
	if token := members["ShardIterator"]; token != "" {
		// By it alone: a stream's ARN beside it is the client's word.
		if name.Name = d.Streams.IteratorStream(call.Account, call.Region, token); name.Name != "" {
			a.Resource = name.ARN()
		}
	} else if token := members["NextToken"]; token != "" && call.Operation == "ListShards" {
		if name.Name = d.Streams.PageStream(call.Account, call.Region, token); name.Name != "" {
			a.Resource = name.ARN()
		}
	} else if a.Resource == "*" && name.Name != "" {
		a.Resource = name.ARN()
	}
	if r, err := stream.ParseResource(a.Resource); err == nil {
		a.Resource = r.ARN()                          // in its own spelling, which policies know
		policy, tags, _ := d.Streams.Attached(ctx, r) // to what is not there nothing is
		a.Policy = policy
		a.Tagged(tags)
	}
	return []protocol.Access{a}, nil
}

// tagActions are what a caller has to be allowed beside the operation when it gives tags.
var tagActions = map[string]string{"CreateStream": "AddTagsToStream", "RegisterStreamConsumer": "TagResource"}
