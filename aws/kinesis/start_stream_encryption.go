package kinesis

import "context"

// StartStreamEncryption has the records that are put from now on encrypted. It goes through UPDATING.
func (d *Door) StartStreamEncryption(ctx context.Context, in *StartStreamEncryptionInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	if err := checkEncryptionType(in.EncryptionType); err != nil {
		return err
	}
	return translate(d.Streams.StartEncryption(ctx, name, in.KeyId), name)
}
