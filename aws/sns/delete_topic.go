package sns

import "context"

// DeleteTopic removes a topic with its subscriptions.
func (d *Door) DeleteTopic(ctx context.Context, in *DeleteTopicInput) error {
	_, name, err := ask(ctx, in.TopicArn)
	if err != nil {
		return err
	}
	return translate(d.Topics.Delete(ctx, name))
}
