package kinesis

import "context"

// StopStreamEncryption has the records that are put from now on not encrypted. It goes through UPDATING. Whatever key is
// named, it is the stream's that is no longer used.
func (d *Door) StopStreamEncryption(ctx context.Context, in *StopStreamEncryptionInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	if err := checkEncryptionType(in.EncryptionType); err != nil {
		return err
	}
	return translate(d.Streams.StopEncryption(ctx, name), name)
}
