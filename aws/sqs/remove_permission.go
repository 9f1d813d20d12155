package sqs

import (
	"context"
	"encoding/json"
	"slices"
)

// RemovePermission takes a statement out of a queue's policy.
func (d *Door) RemovePermission(ctx context.Context, in *RemovePermissionRequest) error {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return err
	}
	err = d.Queues.EditPolicy(ctx, name, func(text string) (string, error) {
		p := openPolicy(text, name)
		before := len(p.Statement)
		p.Statement = slices.DeleteFunc(p.Statement, func(s json.RawMessage) bool { return sid(s) == in.Label })
		if len(p.Statement) == before {
			return "", invalidLabel(in.Label, "can't find label.")
		}
		return p.seal()
	})
	return facts{call: call}.translate(err)
}
