package lambda

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// RemovePermission takes a statement out of the policy of a function, a version or an alias.
func (d *Door) RemovePermission(ctx context.Context, in *RemovePermissionRequest) error {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return err
	}
	if _, err := d.Functions.Get(ctx, ref.Name); errors.Is(err, function.ErrNotFound) {
		return &protocol.Error{Code: ResourceNotFoundException, Message: "No policy found for: " + ref.Name.ARN()}
	}
	if ref.Qualifier == function.Latest {
		ref.Qualifier = ""
	}
	revision := ""
	assign(&revision, in.RevisionId)
	err = d.Functions.RemovePermission(ctx, ref, in.StatementId, revision)
	if errors.Is(err, function.ErrNoStatement) {
		return &protocol.Error{
			Code: ResourceNotFoundException, Message: fmt.Sprintf("Statement %s is not found in resource policy.", in.StatementId),
		}
	}
	return translate(err)
}
