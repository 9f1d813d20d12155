package topic

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/identity/policy"
	"github.com/millrace/millrace/internal/arn"
)

// The attributes of topics that the room itself looks at.
const (
	SignatureVersion          = "SignatureVersion"
	FIFOTopic                 = "FifoTopic"
	ContentBasedDeduplication = "ContentBasedDeduplication"
	FIFOThroughputScope       = "FifoThroughputScope"
	Policy                    = "Policy"
	DeliveryPolicy            = "DeliveryPolicy"
)

// The attributes of subscriptions.
const (
	RawMessageDelivery = "RawMessageDelivery" // leaves the envelope out
	FilterPolicy       = "FilterPolicy"
	FilterPolicyScope  = "FilterPolicyScope"
	RedrivePolicy      = "RedrivePolicy"
)

// rule judges an attribute's value: whether there can be such a value, and whether it is carried out.
type rule func(value string) (ok, supported bool)

// topicAttributes are the attributes of topics that can be set.
var topicAttributes = withDeliveryLogs(map[string]rule{
	"DisplayName":             func(v string) (bool, bool) { return len(v) <= 100, true },
	SignatureVersion:          oneOf("1", "2"),
	FIFOTopic:                 oneOf("true", "false"),
	ContentBasedDeduplication: oneOf("true", "false"),
	FIFOThroughputScope:       oneOf("Topic", "MessageGroup"),
	"TracingConfig":           func(v string) (bool, bool) { return v == "PassThrough" || v == "Active", v != "Active" },
	Policy:                    func(v string) (bool, bool) { return v == "" || validPolicy(v), true },
	DeliveryPolicy:            func(v string) (bool, bool) { _, err := readTopicPolicy(v); return err == nil, true },
	"KmsMasterKeyId":          empty,
	"ArchivePolicy":           empty,
})

// withDeliveryLogs adds the attributes of delivery logs, which are not written: no role may write them, and none of the
// successes are told. Terraform sets that rate on every topic it makes.
func withDeliveryLogs(rules map[string]rule) map[string]rule {
	for _, receiver := range []string{"Application", "Firehose", "HTTP", "Lambda", "SQS"} {
		rules[receiver+"SuccessFeedbackRoleArn"], rules[receiver+"FailureFeedbackRoleArn"] = noRole, noRole
		rules[receiver+"SuccessFeedbackSampleRate"] = noSamples
	}
	return rules
}

func noRole(v string) (ok, supported bool) { return true, v == "" }

func noSamples(v string) (ok, supported bool) {
	rate, err := strconv.Atoi(v)
	return err == nil && 0 <= rate && rate <= 100, rate == 0
}

// subscriptionAttributes are those of subscriptions. FilterPolicy and RedrivePolicy are judged where more is known.
var subscriptionAttributes = map[string]rule{
	RawMessageDelivery: func(v string) (bool, bool) {
		return strings.EqualFold(v, "true") || strings.EqualFold(v, "false"), true
	},
	FilterPolicy:          func(string) (bool, bool) { return true, true },
	FilterPolicyScope:     oneOf("MessageAttributes", "MessageBody"),
	RedrivePolicy:         func(string) (bool, bool) { return true, true },
	DeliveryPolicy:        func(v string) (bool, bool) { _, err := readRetryPolicy(v); return err == nil, true },
	"SubscriptionRoleArn": empty,
	"ReplayPolicy":        empty,
}

func oneOf(values ...string) rule {
	return func(v string) (bool, bool) { return slices.Contains(values, v), true }
}

// empty is the rule of what is carried out only when it says nothing.
func empty(v string) (ok, supported bool) { return true, v == "" || v == "{}" }

// checkAttributes judges attributes by a table.
func checkAttributes(table map[string]rule, given map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		judge := table[name]
		if judge == nil {
			return &AttributeError{Name: name, Unknown: true}
		}
		ok, supported := judge(given[name])
		if !ok || !supported {
			return &AttributeError{Name: name, Value: given[name], Unsupported: ok}
		}
	}
	return nil
}

// validPolicy reports whether a text is a policy that can be judged by. What it grants is not this room's business.
func validPolicy(text string) bool {
	_, err := policy.Parse(text, policy.Resource)
	return err == nil
}

// readRedrivePolicy returns the ARN of the dead-letter queue, "" for none.
func readRedrivePolicy(topic Name, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	wrong := func(reason string) (string, error) {
		return "", &AttributeError{Name: RedrivePolicy, Value: text, Reason: "RedrivePolicy: " + reason}
	}
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(text), &policy) != nil {
		return wrong("failed to parse JSON.")
	}
	if policy.Target == "" && strings.TrimSpace(text) == "{}" {
		return "", nil
	}
	a, err := arn.Parse(policy.Target)
	switch {
	case err != nil || a.Service != "sqs" || a.Account == "" || a.Region == "":
		return wrong("deadLetterTargetArn is an invalid arn")
	case topic.FIFO() && !strings.HasSuffix(a.Resource, fifoSuffix):
		return wrong("must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
	case !topic.FIFO() && strings.HasSuffix(a.Resource, fifoSuffix):
		return wrong("must use a standard queue as DLQ for a subscription to a standard topic.")
	case a.Account != topic.Account:
		return wrong("deadLetterTargetArn belongs to another account.")
	}
	return policy.Target, nil
}
