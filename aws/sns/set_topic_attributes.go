package sns

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// SetTopicAttributes changes one attribute of a topic.
func (d *Door) SetTopicAttributes(ctx context.Context, in *SetTopicAttributesInput) error {
	_, name, err := ask(ctx, in.TopicArn)
	if err != nil {
		return err
	}
	return translateSet(d.Topics.SetAttribute(ctx, name, in.AttributeName, protocol.Value(in.AttributeValue)))
}
