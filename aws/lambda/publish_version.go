package lambda

import (
	"context"

	"github.com/millrace/millrace/function"
)

// PublishVersion makes a version of what a function is now. When nothing has changed since the newest version, it answers
// with that one.
func (d *Door) PublishVersion(ctx context.Context, in *PublishVersionRequest) (*FunctionConfiguration, error) {
	name, err := d.existing(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := refuse(member{"PublishTo", given(in.PublishTo)}); err != nil {
		return nil, err
	}
	p := function.Publication{}
	assign(&p.CodeSha256, in.CodeSha256)
	assign(&p.RevisionID, in.RevisionId)
	if given(in.Description) { // an empty one leaves the function's
		p.Description = in.Description
	}
	f, err := d.Functions.Publish(ctx, name, p)
	if err != nil {
		return nil, translate(err)
	}
	return configuration(f), nil
}
