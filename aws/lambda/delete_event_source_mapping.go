package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// DeleteEventSourceMapping ends a mapping. A batch in flight may still finish.
func (d *Door) DeleteEventSourceMapping(ctx context.Context, in *DeleteEventSourceMappingRequest) (*EventSourceMappingConfiguration, error) {
	call := protocol.CallFrom(ctx)
	m, err := d.Mappings.Delete(ctx, call.Account, call.Region, in.UUID)
	if err != nil {
		return nil, inUse(err, "delete")
	}
	return restingConfiguration(m), nil
}
