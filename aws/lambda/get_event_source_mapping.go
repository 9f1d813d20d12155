package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// GetEventSourceMapping tells of a mapping.
func (d *Door) GetEventSourceMapping(ctx context.Context, in *GetEventSourceMappingRequest) (*EventSourceMappingConfiguration, error) {
	call := protocol.CallFrom(ctx)
	m, err := d.Mappings.Get(call.Account, call.Region, in.UUID)
	if err != nil {
		return nil, translateMapping(err)
	}
	return restingConfiguration(m), nil
}
