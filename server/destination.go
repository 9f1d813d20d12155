package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/bucket"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/topic"
)

// sender brings a notice to a destination of one service.
type sender func(ctx context.Context, to arn.ARN, n function.Notice) error

// destination delivers the documents of mappings and of events of functions: for each service to the rooms of this server, or to an endpoint outside.
type destination map[string]sender // by the service in the destination's ARN

// newDestination introduces the rooms, and the endpoints that the configuration names in their place.
func newDestination(c Config, r rooms) destination {
	d := destination{
		"sqs": queueSender{r.queues, roles{identities: r.identities}, c.Clock}.send,
		"sns": topicSender{r.topics}.send,
		"s3":  bucketSender{r.buckets}.send,
	}
	d.replace(c, r.outside)
	return d
}

// find returns the sender for a destination.
func (d destination) find(name string) (sender, arn.ARN, error) {
	a, err := arn.Parse(name)
	if err != nil {
		return nil, a, err
	}
	send := d[a.Service]
	if send == nil {
		return nil, a, fmt.Errorf("%q is no destination", name)
	}
	return send, a, nil
}

// Check implements mapping.Destination. A queue, topic or bucket that does not exist is none of its business: as on AWS,
// what counts is whether it is there when a document is sent.
func (d destination) Check(_ context.Context, name string) error {
	_, _, err := d.find(name)
	return err
}

// Send implements mapping.Destination.
func (d destination) Send(ctx context.Context, name string, n mapping.Notice) error {
	send, a, err := d.find(name)
	if err != nil {
		return err
	}
	return send(ctx, a, function.Notice{Account: n.Account, Region: n.Region, Role: n.Role, Body: n.Body, Key: n.Key})
}

// eventDestination is the destination as functions see it. may is nil when roles are not asked what they may.
type eventDestination struct {
	destination
	may func(role, to string) error
}

// MaySend implements function.Destination.
func (d eventDestination) MaySend(role, name string) error {
	if d.may == nil {
		return nil
	}
	return d.may(role, name)
}

// Send implements function.Destination.
func (d eventDestination) Send(ctx context.Context, name string, n function.Notice) error {
	send, a, err := d.find(name)
	if err != nil {
		return err
	}
	return send(ctx, a, n)
}

// errForeign says that a destination is another account's: accounts do not see each other's resources.
var errForeign = errors.New("destination belongs to another account")

type queueSender struct {
	queues *queue.Service
	roles  roles
	clock  clockwork.Clock
}

func (s queueSender) send(ctx context.Context, to arn.ARN, n function.Notice) error {
	if to.Account != n.Account {
		return errForeign
	}
	name := queue.Name{Account: to.Account, Region: to.Region, Name: to.Resource}
	sent, err := s.queues.Send(ctx, name, queue.Message{
		Body: string(n.Body), Sender: s.roles.sender(n, s.clock.Now()), Attributes: queueAttributes(topicAttributes(n.Attributes)),
	})
	if err != nil {
		return err
	}
	return sent[0].Err
}

type topicSender struct{ topics *topic.Service }

func (s topicSender) send(ctx context.Context, to arn.ARN, n function.Notice) error {
	if to.Account != n.Account {
		return errForeign
	}
	name := topic.Name{Account: to.Account, Region: to.Region, Name: to.Resource}
	_, err := s.topics.Publish(ctx, name, topic.Message{Text: string(n.Body), Subject: n.Subject, Attributes: topicAttributes(n.Attributes), Trace: n.Trace})
	return err
}

type bucketSender struct{ buckets *bucket.Service }

func (s bucketSender) send(ctx context.Context, to arn.ARN, n function.Notice) error {
	_, err := s.buckets.PutBytes(ctx, n.Account, to.Resource, n.Key, n.Body, noticeType)
	return err
}

// noticeType is the content type of a notice in a bucket.
const noticeType = "application/octet-stream"

func topicAttributes(given []function.Attribute) map[string]topic.Attribute {
	if len(given) == 0 {
		return nil
	}
	all := make(map[string]topic.Attribute, len(given))
	for _, a := range given {
		all[a.Name] = topic.Attribute{Type: a.Type, Text: a.Text}
	}
	return all
}
