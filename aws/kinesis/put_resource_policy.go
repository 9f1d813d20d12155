package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/stream"
)

// PutResourcePolicy gives a stream or a consumer a policy in place of the one it has.
func (d *Door) PutResourcePolicy(ctx context.Context, in *PutResourcePolicyInput) error {
	r, err := addressedResource(ctx, in.ResourceARN)
	if err != nil {
		return err
	}
	err = d.Streams.PutPolicy(ctx, r, in.Policy)
	if invalid, ok := errors.AsType[*stream.PolicyError](err); ok {
		return invalidArgument(fmt.Sprintf("Invalid policy: %s.", invalid.Reason))
	}
	return translate(err, r.Stream)
}
