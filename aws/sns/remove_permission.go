package sns

import (
	"context"
	"encoding/json"
	"slices"
)

// RemovePermission removes a statement from a topic's policy; that there is none of the name is no error.
func (d *Door) RemovePermission(ctx context.Context, in *RemovePermissionInput) error {
	_, name, err := ask(ctx, in.TopicArn)
	if err != nil {
		return err
	}
	return translate(d.Topics.EditPolicy(ctx, name, func(text string) (string, error) {
		p, err := openPolicy(text, name)
		if err != nil {
			return "", err
		}
		p.Statement = slices.DeleteFunc(p.Statement, func(s json.RawMessage) bool { return sid(s) == in.Label })
		return p.seal()
	}))
}
