package kinesis

import "context"

// UpdateMaxRecordSize changes how large a stream's records may be. It goes through UPDATING.
func (d *Door) UpdateMaxRecordSize(ctx context.Context, in *UpdateMaxRecordSizeInput) error {
	name, err := addressed(ctx, nil, in.StreamARN)
	if err != nil {
		return err
	}
	return translate(d.Streams.SetMaxRecordBytes(ctx, name, in.MaxRecordSizeInKiB<<10), name)
}
