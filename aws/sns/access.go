package sns

import (
	"context"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/topic"
)

// access names the topic of each operation, with its policy, also where a subscription is meant.
func (d *Door) access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	call := protocol.CallFrom(ctx)
	members := protocol.Members(in)
	a := protocol.Access{Action: "sns:" + strings.TrimSuffix(call.Operation, "Batch"), Resource: "*"}
	switch {
	case members["TopicArn"] != "":
		a.Resource = members["TopicArn"]
	case members["TargetArn"] != "":
		a.Resource = members["TargetArn"]
	case members["ResourceArn"] != "":
		a.Resource = members["ResourceArn"]
	case members["SubscriptionArn"] != "":
		a.Resource = members["SubscriptionArn"]
		if i := strings.LastIndexByte(a.Resource, ':'); i > 0 {
			a.Resource = a.Resource[:i]
		}
	case members["Name"] != "":
		a.Resource = topic.Name{Account: call.Account, Region: call.Region, Name: members["Name"]}.ARN()
	}
	if endpoint := members["Endpoint"]; endpoint != "" {
		a.Keys = map[string][]string{"sns:endpoint": {endpoint}, "sns:protocol": {members["Protocol"]}}
	}
	if name, ok := named(a.Resource); ok {
		a.Resource = name.ARN() // in its own spelling, which policies know
		if t, err := d.Topics.Describe(name); err == nil {
			a.Policy = t.Attributes[topic.Policy]
			a.Tagged(t.Tags)
		}
	}
	return []protocol.Access{a}, nil
}

// named is the topic of an ARN.
func named(text string) (topic.Name, bool) {
	a, err := arn.Parse(text)
	return topic.Name{Account: a.Account, Region: a.Region, Name: a.Resource}, err == nil && a.Service == "sns"
}
