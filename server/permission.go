package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/identity/policy"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/topic"
)

// resources know the policies of what the house keeps. The rooms are put in when they are made, before anybody asks.
type resources struct {
	clock     clockwork.Clock
	streams   *stream.Service
	functions *function.Service
	queues    *queue.Service
	topics    *topic.Service
}

// policyOf returns the policy of a resource, empty when there is none.
func (r *resources) policyOf(ctx context.Context, name string) string {
	a, err := arn.Parse(name)
	if err != nil {
		return ""
	}
	switch a.Service {
	case "sqs":
		q, _ := r.queues.Describe(ctx, queue.Name{Account: a.Account, Region: a.Region, Name: a.Resource})
		return q.Attributes["Policy"]
	case "sns":
		t, _ := r.topics.Describe(topic.Name{Account: a.Account, Region: a.Region, Name: a.Resource})
		return t.Attributes[topic.Policy]
	case "kinesis":
		if of, err := stream.ParseResource(name); err == nil {
			text, _ := r.streams.Policy(ctx, of)
			return text
		}
	case "lambda":
		ref, err := function.ParseRef(name, a.Account, a.Region)
		if err != nil {
			return ""
		}
		if p, err := r.functions.PolicyOf(ctx, ref); err == nil {
			return p.Document()
		}
	}
	return ""
}

// moment are the keys that say when something is done.
func moment(clock clockwork.Clock) map[string][]string {
	now := clock.Now().UTC()
	return map[string][]string{"aws:currenttime": {now.Format(time.RFC3339)}, "aws:epochtime": {strconv.FormatInt(now.Unix(), 10)}}
}

// errNotLetIn says that the policy of a resource does not let a service of AWS's in.
var errNotLetIn = errors.New("the resource's policy does not allow it")

// letIn returns nil when the policy of a resource lets a service of AWS's do something to it for the sake of a source, a resource of
// an account.
func (r *resources) letIn(ctx context.Context, service, action, resource, source, account string) error {
	keys := moment(r.clock)
	keys["aws:sourcearn"], keys["aws:sourceaccount"], keys["aws:sourceowner"] = []string{source}, []string{account}, []string{account}
	keys["aws:principalisawsservice"], keys["aws:principalservicename"] = []string{"true"}, []string{service}
	var says *policy.Document
	if text := r.policyOf(ctx, resource); text != "" {
		var err error
		if says, err = policy.Parse(text, policy.Resource); err != nil {
			return fmt.Errorf("%s on %s: %w", action, resource, errNotLetIn)
		}
	}
	asked := policy.Request{Principal: policy.Principal{Service: service}, Action: action, Resource: resource, Owner: owner(resource), Keys: keys}
	if policy.Evaluate(asked, policy.Policies{Resource: says}) != policy.Allowed {
		return fmt.Errorf("%s on %s: %w", action, resource, errNotLetIn)
	}
	return nil
}

// deliveries are what topics may do: what the policies of queues and functions allow SNS to do for them.
type deliveries struct {
	resources *resources
	away      bool // queues live elsewhere, and so do their policies, which are asked there
}

// MayDeliver implements topic.Permission.
func (d deliveries) MayDeliver(ctx context.Context, from topic.Name, endpoint string) error {
	action := "sqs:SendMessage"
	if a, err := arn.Parse(endpoint); err == nil && a.Service == "lambda" {
		action = "lambda:InvokeFunction"
	} else if d.away {
		return nil
	}
	return d.resources.letIn(ctx, "sns.amazonaws.com", action, endpoint, from.ARN(), from.Account)
}
