package kinesis

import "github.com/millrace/millrace/stream"

// encryptionType says of a record that it is encrypted. Of one that is not nothing is said.
func encryptionType(encrypted bool) *string {
	if !encrypted {
		return nil
	}
	return &kms
}

// kms is what encrypted records point to.
var kms = EncryptionTypeKms

// streamEncryption says whether a stream encrypts. Of a stream it is always said.
func streamEncryption(s stream.Stream) *string {
	if s.KeyID == "" {
		return new(EncryptionTypeNone)
	}
	return &kms
}

func keyID(s stream.Stream) *string {
	if s.KeyID == "" {
		return nil
	}
	return &s.KeyID
}

// checkEncryptionType judges the type that an operation on encryption is about, for which there is only one.
func checkEncryptionType(given string) error {
	if given != EncryptionTypeKms {
		return invalidArgument("EncryptionType must be " + EncryptionTypeKms + ".")
	}
	return nil
}
