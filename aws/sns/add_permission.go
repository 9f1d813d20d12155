package sns

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/topic"
)

// maxStatements bounds a policy.
const maxStatements = 20

// grantable are the actions that a policy can grant.
var grantable = []string{
	"AddPermission", "DeleteTopic", "GetTopicAttributes", "ListSubscriptionsByTopic", "Publish", "RemovePermission",
	"SetTopicAttributes", "Subscribe", "GetDataProtectionPolicy", "PutDataProtectionPolicy", "*",
}

var account = regexp.MustCompile(`^\d{12}$`)

// policy is a topic's policy, with statements that stay as they are.
type policy struct {
	Version   string
	ID        string `json:"Id"`
	Statement []json.RawMessage
}

// openPolicy reads the policy that a topic has: the one that was set, or its own.
func openPolicy(text string, name topic.Name) (policy, error) {
	if text == "" {
		text = ownPolicy(name)
	}
	var p struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return policy{}, err
	}
	out := policy{Version: p.Version, ID: p.ID}
	if out.Version == "" {
		out.Version = "2008-10-17"
	}
	if json.Unmarshal(p.Statement, &out.Statement) != nil { // a statement alone needs no list
		out.Statement = []json.RawMessage{p.Statement}
	}
	return out, nil
}

func (p policy) seal() (string, error) {
	text, err := json.Marshal(p)
	return string(text), err
}

func sid(statement json.RawMessage) string {
	var s struct{ Sid string }
	_ = json.Unmarshal(statement, &s) // without one it has no name
	return s.Sid
}

// AddPermission adds a statement to a topic's policy.
func (d *Door) AddPermission(ctx context.Context, in *AddPermissionInput) error {
	_, name, err := ask(ctx, in.TopicArn)
	if err != nil {
		return err
	}
	statement, err := newStatement(in, name)
	if err != nil {
		return err
	}
	return translate(d.Topics.EditPolicy(ctx, name, func(text string) (string, error) {
		p, err := openPolicy(text, name)
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(p.Statement, func(s json.RawMessage) bool { return sid(s) == in.Label }) {
			return "", invalid("Statement already exists")
		}
		if len(p.Statement) >= maxStatements {
			return "", invalid("Policy statements exceed the maximum")
		}
		p.Statement = append(p.Statement, statement)
		return p.seal()
	}))
}

func newStatement(in *AddPermissionInput, name topic.Name) (json.RawMessage, error) {
	if len(in.ActionName) == 0 || slices.ContainsFunc(in.ActionName, func(a string) bool { return !slices.Contains(grantable, a) }) {
		return nil, invalid("Policy statement action out of service scope!")
	}
	principals := make([]string, len(in.AWSAccountId))
	for i, id := range in.AWSAccountId {
		if !account.MatchString(id) {
			return nil, invalid("Policy Error: PrincipalNotFound")
		}
		principals[i] = arn.ARN{Partition: arn.Partition(name.Region), Service: "iam", Account: id, Resource: "root"}.String()
	}
	if len(principals) == 0 {
		return nil, invalid("Policy Error: PrincipalNotFound")
	}
	actions := make([]string, len(in.ActionName))
	for i, action := range in.ActionName {
		actions[i] = "SNS:" + action
	}
	return json.Marshal(struct {
		Sid, Effect string
		Principal   struct{ AWS any }
		Action      any
		Resource    string
	}{in.Label, "Allow", struct{ AWS any }{single(principals)}, single(actions), name.ARN()})
}

// single is the only element of a list without the list.
func single(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}
