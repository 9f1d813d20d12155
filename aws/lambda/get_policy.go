package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// GetPolicy returns the policy of a function, a version or an alias: each has its own.
func (d *Door) GetPolicy(ctx context.Context, in *GetPolicyRequest) (*GetPolicyResponse, error) {
	ref, err := bareRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	p, err := d.Functions.PolicyOf(ctx, ref)
	if errors.Is(err, function.ErrNoPolicy) {
		return nil, &protocol.Error{Code: ResourceNotFoundException, Message: "The resource you requested does not exist."}
	}
	if err != nil {
		return nil, translate(err)
	}
	return &GetPolicyResponse{Policy: new(p.Document()), RevisionId: &p.RevisionID}, nil
}
