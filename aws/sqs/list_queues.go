package sqs

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// maxListed is the most queues that one answer has.
const maxListed = 1000

// ListQueues returns the URLs of the caller's queues whose names begin with the prefix. As on AWS there is a token for
// the rest only when the caller had said how many it wants.
func (d *Door) ListQueues(ctx context.Context, in *ListQueuesRequest) (*ListQueuesResult, error) {
	call := protocol.CallFrom(ctx)
	limit := maxListed
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > maxListed {
		return nil, fault(ErrorInvalidParameterValue,
			"Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.")
	}
	prefix := value(in.QueueNamePrefix)
	after, err := openToken(value(in.NextToken), prefix)
	if err != nil {
		return nil, err
	}
	names, more := d.Queues.List(ctx, call.Account, call.Region, prefix, after, limit)
	out := new(ListQueuesResult)
	for _, n := range names {
		name := queue.Name{Account: call.Account, Region: call.Region, Name: n}
		out.QueueUrls = append(out.QueueUrls, queueURL(call, name))
	}
	if more && in.MaxResults != nil {
		out.NextToken = new(makeToken(names[len(names)-1], prefix))
	}
	return out, nil
}

// makeToken says after which name a list goes on. It holds the prefix too, which must not change on the way.
func makeToken(after, prefix string) string {
	return base64.URLEncoding.EncodeToString([]byte(after + "/" + prefix))
}

// openToken reads what makeToken wrote.
func openToken(token, prefix string) (after string, err error) {
	if token == "" {
		return "", nil
	}
	text, err := base64.URLEncoding.DecodeString(token)
	after, made, ok := strings.Cut(string(text), "/")
	if err != nil || !ok || !queue.ValidName(after) {
		return "", fault(ErrorInvalidParameterValue, "Invalid or expired next token.")
	}
	if made != prefix {
		return "", fault(ErrorInvalidParameterValue, "Invalid NextToken value. If you are passing in NextToken, you "+
			"must not change the other request parameters.")
	}
	return after, nil
}
