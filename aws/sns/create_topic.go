package sns

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/topic"
)

// CreateTopic makes a topic, or finds the one that is there with the same attributes.
func (d *Door) CreateTopic(ctx context.Context, in *CreateTopicInput) (*CreateTopicResponse, error) {
	call := protocol.CallFrom(ctx)
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	if protocol.Value(in.DataProtectionPolicy) != "" {
		return nil, invalid("DataProtectionPolicy Reason: This server does not carry it out.")
	}
	name := topic.Name{Account: call.Account, Region: call.Region, Name: in.Name}
	if err := d.Topics.Create(ctx, name, in.Attributes, tags); err != nil {
		return nil, translate(err)
	}
	return &CreateTopicResponse{TopicArn: new(name.ARN())}, nil
}
