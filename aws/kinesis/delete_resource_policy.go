package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// DeleteResourcePolicy takes the policy of a stream or a consumer away.
func (d *Door) DeleteResourcePolicy(ctx context.Context, in *DeleteResourcePolicyInput) error {
	r, err := addressedResource(ctx, in.ResourceARN)
	if err != nil {
		return err
	}
	err = d.Streams.DeletePolicy(ctx, r)
	if errors.Is(err, stream.ErrNoPolicy) {
		return &protocol.Error{Code: ResourceNotFoundException, Message: fmt.Sprintf("No resource policy found for resource ARN %s.", in.ResourceARN)}
	}
	return translate(err, r.Stream)
}
