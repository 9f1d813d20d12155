package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/archive"
)

// GetAccountSettings tells the limits of an account in a region, and how much of them it uses.
func (d *Door) GetAccountSettings(ctx context.Context, _ *GetAccountSettingsRequest) (*GetAccountSettingsResponse, error) {
	call := protocol.CallFrom(ctx)
	functions, code := d.Functions.Usage(call.Account, call.Region)
	return &GetAccountSettingsResponse{
		AccountLimit: &AccountLimit{
			TotalCodeSize:                  new(int64(function.MaxCodeBytes)),
			CodeSizeUnzipped:               new(int64(archive.MaxUnzippedBytes)),
			CodeSizeZipped:                 new(int64(function.MaxZippedBytes)),
			ConcurrentExecutions:           new(d.Functions.Concurrency()),
			UnreservedConcurrentExecutions: new(d.Functions.Unreserved(call.Account, call.Region)),
		},
		AccountUsage: &AccountUsage{TotalCodeSize: &code, FunctionCount: new(int64(functions))},
	}, nil
}
