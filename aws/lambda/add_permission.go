package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/function"
)

// AddPermission adds a statement to the policy of a function, a version or an alias.
func (d *Door) AddPermission(ctx context.Context, in *AddPermissionRequest) (*AddPermissionResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if ref.Qualifier == function.Latest {
		return nil, invalid("We currently do not support adding policies for $LATEST.")
	}
	p := function.Permission{Sid: in.StatementId, Action: in.Action, Principal: in.Principal, InvokedViaFunctionURL: isTrue(in.InvokedViaFunctionUrl)}
	assign(&p.SourceARN, in.SourceArn)
	assign(&p.SourceAccount, in.SourceAccount)
	assign(&p.EventSourceToken, in.EventSourceToken)
	assign(&p.PrincipalOrgID, in.PrincipalOrgID)
	assign(&p.FunctionURLAuthType, in.FunctionUrlAuthType)
	assign(&p.RevisionID, in.RevisionId)
	added, err := d.Functions.AddPermission(ctx, ref, p)
	if errors.Is(err, function.ErrStatementExists) {
		return nil, statementExists(p.Sid)
	}
	if err != nil {
		return nil, translate(err)
	}
	return &AddPermissionResponse{Statement: &added.Document}, nil
}

func statementExists(sid string) error {
	return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", sid)
}
