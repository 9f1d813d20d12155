package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/stream"
)

// UpdateStreamMode lets a stream's shards be changed by request, or by its load.
func (d *Door) UpdateStreamMode(ctx context.Context, in *UpdateStreamModeInput) error {
	name, err := addressed(ctx, nil, &in.StreamARN)
	if err != nil {
		return err
	}
	err = d.Streams.UpdateMode(ctx, name, stream.Mode(in.StreamModeDetails.StreamMode), in.WarmThroughputMiBps)
	var same *stream.SameModeError
	if errors.As(err, &same) {
		return invalidArgument(fmt.Sprintf("Stream %s under account %s is already in %s mode.", name.Name, name.Account, same.Mode))
	}
	return translate(err, name)
}
