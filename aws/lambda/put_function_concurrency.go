package lambda

import (
	"context"

	"github.com/millrace/millrace/function"
)

// PutFunctionConcurrency reserves concurrency for a function.
func (d *Door) PutFunctionConcurrency(ctx context.Context, in *PutFunctionConcurrencyRequest) (*Concurrency, error) {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if err := wholeOnly(ref); err != nil {
		return nil, err
	}
	// Of a function that is missing AWS says so with $LATEST.
	if _, err := d.Functions.Find(ctx, function.Ref{Name: ref.Name, Qualifier: function.Latest}); err != nil {
		return nil, translate(err)
	}
	n := in.ReservedConcurrentExecutions
	if err := d.Functions.PutConcurrency(ctx, ref.Name, n); err != nil {
		return nil, translate(err)
	}
	return &Concurrency{ReservedConcurrentExecutions: &n}, nil
}
