package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// Provisioned concurrency cannot be asked for: PutProvisionedConcurrencyConfig is refused by its name. What clients ask
// about it is answered truly: there is none.

// GetProvisionedConcurrencyConfig says that a version or an alias has none.
func (d *Door) GetProvisionedConcurrencyConfig(ctx context.Context, in *GetProvisionedConcurrencyConfigRequest) (*GetProvisionedConcurrencyConfigResponse, error) {
	if err := d.provisionable(ctx, in.FunctionName, in.Qualifier); err != nil {
		return nil, err
	}
	return nil, &protocol.Error{
		Code: ProvisionedConcurrencyConfigNotFoundException, Message: "No Provisioned Concurrency Config found for this function",
	}
}

// DeleteProvisionedConcurrencyConfig has nothing to delete, which is no error.
func (d *Door) DeleteProvisionedConcurrencyConfig(ctx context.Context, in *DeleteProvisionedConcurrencyConfigRequest) error {
	return d.provisionable(ctx, in.FunctionName, in.Qualifier)
}

// ListProvisionedConcurrencyConfigs lists none.
func (d *Door) ListProvisionedConcurrencyConfigs(ctx context.Context, in *ListProvisionedConcurrencyConfigsRequest) (*ListProvisionedConcurrencyConfigsResponse, error) {
	if _, err := d.whole(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	return &ListProvisionedConcurrencyConfigsResponse{ProvisionedConcurrencyConfigs: []ProvisionedConcurrencyConfigListItem{}}, nil
}

// provisionable judges whether a qualifier names a version or an alias.
func (d *Door) provisionable(ctx context.Context, name, qualifier string) error {
	ref, err := functionRef(ctx, name, &qualifier)
	if err != nil {
		return err
	}
	if ref.Qualifier == function.Latest {
		return invalid("The function resource provided must be an alias or a published version.")
	}
	return translate(d.Functions.CheckTarget(ref))
}
