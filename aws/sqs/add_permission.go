package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/millrace/millrace/queue"
)

const (
	// maxActions and maxStatements bound what a policy grants.
	maxActions    = 7
	maxStatements = 20
)

// AddPermission adds a statement to a queue's policy.
func (d *Door) AddPermission(ctx context.Context, in *AddPermissionRequest) error {
	call, name, err := ask(ctx, in.QueueUrl)
	if err == nil {
		err = checkPermission(in)
	}
	if err != nil {
		return err
	}
	err = d.Queues.EditPolicy(ctx, name, func(text string) (string, error) {
		p := openPolicy(text, name)
		if slices.ContainsFunc(p.Statement, func(s json.RawMessage) bool { return sid(s) == in.Label }) {
			return "", invalidLabel(in.Label, "Already exists.")
		}
		if len(p.Statement) >= maxStatements {
			return "", fault(ErrorOverLimit, fmt.Sprintf("%d statements were found in the submitted policy, max allowed is %d",
				len(p.Statement)+1, maxStatements))
		}
		statement, err := json.Marshal(newStatement(in, name))
		if err != nil {
			return "", err
		}
		p.Statement = append(p.Statement, statement)
		return p.seal()
	})
	return facts{call: call}.translate(err)
}

// checkPermission judges a statement that is to be added.
func checkPermission(in *AddPermissionRequest) error {
	switch {
	case !validEntryID(in.Label):
		return invalidLabel(in.Label, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	case len(in.Actions) == 0:
		return fault(ErrorMissingParameter, "The request must contain the parameter Actions.")
	case len(in.AWSAccountIds) == 0:
		return invalidValue("Value [] for parameter PrincipalId is invalid. Reason: Unable to verify.")
	case len(in.Actions) > maxActions:
		return fault(ErrorOverLimit, fmt.Sprintf("%d Actions were found, maximum allowed is %d.", len(in.Actions), maxActions))
	}
	for _, id := range in.AWSAccountIds {
		if !account.MatchString(id) {
			return invalidValue("Value [" + id + "] for parameter PrincipalId is invalid. Reason: Unable to verify.")
		}
	}
	for _, action := range in.Actions {
		switch {
		case slices.Contains(ownersActions, action):
			return invalidValue("Value SQS:" + action + " for parameter ActionName is invalid. Reason: Only the queue owner is " +
				"allowed to invoke this action.")
		case !slices.Contains(sharedActions, action):
			return invalidValue("Value SQS:" + action + " for parameter ActionName is invalid. Reason: Please refer to the " +
				"appropriate WSDL for a list of valid actions. ")
		}
	}
	return nil
}

// sharedActions can be granted by AddPermission, ownersActions cannot.
var (
	sharedActions = []string{
		"*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl",
		"ListDeadLetterSourceQueues", "PurgeQueue",
	}
	ownersActions = []string{
		"AddPermission", "CancelMessageMoveTask", "CreateQueue", "DeleteQueue", "ListMessageMoveTasks", "ListQueueTags",
		"ListQueues", "RemovePermission", "SetQueueAttributes", "StartMessageMoveTask", "TagQueue", "UntagQueue",
	}
)

// policy is a queue's policy, of which statements are kept as they were written.
type policy struct {
	Version   string
	ID        string `json:"Id,omitempty"`
	Statement []json.RawMessage
}

// openPolicy reads a policy that was accepted before, or makes one.
func openPolicy(text string, name queue.Name) policy {
	var written struct {
		Version, ID string
		Statement   json.RawMessage
	}
	p := policy{Version: "2008-10-17", ID: name.ARN() + "/SQSDefaultPolicy"}
	if json.Unmarshal([]byte(text), &written) != nil {
		return p
	}
	p.ID = written.ID
	if written.Version != "" {
		p.Version = written.Version
	}
	if json.Unmarshal(written.Statement, &p.Statement) != nil {
		p.Statement = []json.RawMessage{written.Statement}
	}
	return p
}

// seal writes the policy; one without statements is none.
func (p policy) seal() (string, error) {
	if len(p.Statement) == 0 {
		return "", nil
	}
	text, err := json.Marshal(p)
	return string(text), err
}

// sid is the label of a statement.
func sid(statement json.RawMessage) string {
	var s struct{ Sid string }
	if json.Unmarshal(statement, &s) != nil {
		return ""
	}
	return s.Sid
}

// statement is what AddPermission makes.
type statement struct {
	Sid, Effect string
	Principal   struct{ AWS any }
	Action      any
	Resource    string
}

func newStatement(in *AddPermissionRequest, name queue.Name) statement {
	s := statement{Sid: in.Label, Effect: "Allow", Resource: name.ARN()}
	var principals, actions []string
	for _, id := range in.AWSAccountIds {
		principals = append(principals, "arn:aws:iam::"+id+":root")
	}
	for _, action := range in.Actions {
		actions = append(actions, "SQS:"+action)
	}
	s.Principal.AWS, s.Action = oneOrAll(principals), oneOrAll(actions)
	return s
}

// oneOrAll is a list as policies have it: of one, that one.
func oneOrAll(all []string) any {
	if len(all) == 1 {
		return all[0]
	}
	return all
}

func invalidLabel(label, reason string) error {
	return invalidValue("Value " + label + " for parameter Label is invalid. Reason: " + reason)
}
