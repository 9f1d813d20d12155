package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// RemovePermission takes a statement out of the policy of a function, a version or an alias.
func (d *Door) RemovePermission(ctx context.Context, in *RemovePermissionRequest) error {
	ref, err := bareRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return err
	}
	if _, err := d.Functions.Get(ctx, ref.Name); errors.Is(err, function.ErrNotFound) {
		return &protocol.Error{Code: ResourceNotFoundException, Message: "No policy found for: " + ref.Name.ARN()}
	}
	err = d.Functions.RemovePermission(ctx, ref, in.StatementId, protocol.Value(in.RevisionId))
	if errors.Is(err, function.ErrNoStatement) {
		return noStatement(in.StatementId)
	}
	return translate(err)
}

func noStatement(sid string) error {
	return &protocol.Error{Code: ResourceNotFoundException, Message: "Statement " + sid + " is not found in resource policy."}
}
