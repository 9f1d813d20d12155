package sns

import (
	"context"
	"encoding/base64"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/topic"
)

// ListTopics lists the caller's topics, a page at a time.
func (d *Door) ListTopics(ctx context.Context, in *ListTopicsInput) (*ListTopicsResponse, error) {
	call := protocol.CallFrom(ctx)
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	names, more := d.Topics.List(call.Account, call.Region, after, pageSize)
	out := &ListTopicsResponse{Topics: []Topic{}}
	for _, n := range names {
		name := topic.Name{Account: call.Account, Region: call.Region, Name: n}
		out.Topics = append(out.Topics, Topic{TopicArn: new(name.ARN())})
	}
	if more {
		out.NextToken = makeToken(names[len(names)-1])
	}
	return out, nil
}

// makeToken is where the next page begins: behind the last that was shown.
func makeToken(last string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(last)))
}

func readToken(token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	last, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil {
		return "", invalid("NextToken")
	}
	return string(last), nil
}
