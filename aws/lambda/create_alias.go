package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/function"
)

// CreateAlias gives a version a name, or two versions with a weight for the second.
func (d *Door) CreateAlias(ctx context.Context, in *CreateAliasRequest) (*AliasConfiguration, error) {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	a := function.Alias{Function: ref.Name, Name: in.Name, Version: in.FunctionVersion}
	assign(&a.Description, in.Description)
	if in.RoutingConfig != nil {
		a.Weights = in.RoutingConfig.AdditionalVersionWeights
	}
	created, err := d.Functions.CreateAlias(ctx, a)
	if errors.Is(err, function.ErrAliasExists) {
		return nil, conflict("Alias already exists: %s", a.ARN())
	}
	if err != nil {
		return nil, translate(err)
	}
	return aliasConfiguration(created), nil
}

// aliasConfiguration describes an alias as AWS does.
func aliasConfiguration(a function.Alias) *AliasConfiguration {
	c := &AliasConfiguration{
		AliasArn: new(a.ARN()), Name: &a.Name, FunctionVersion: &a.Version, Description: &a.Description, RevisionId: &a.RevisionID,
	}
	if len(a.Weights) > 0 {
		c.RoutingConfig = &AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
	}
	return c
}
