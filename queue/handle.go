package queue

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

const (
	// keyBytes is the length of the key that signs receipt handles.
	keyBytes = 32
	// sealBytes is how much of the signature a handle carries.
	sealBytes = 16
	// handleBytes is a handle's length: mark, queue, due, number, count, seal. It is a multiple of three, so that
	// the base64 text has no padding.
	handleBytes = 4 + 8 + 8 + 8 + 4 + sealBytes
)

// handleMark begins a handle; with it the text begins with "AQEB", as AWS's do. Its last byte is the form's version.
var handleMark = [4]byte{1, 1, 1, rowVersion}

// receipt is what a receipt handle says: which message of which queue, and by the how-manieth receive.
type receipt struct {
	queue uint64
	position
	count uint32
}

// seal writes the handle: the receipt and a signature over it. Nobody without the key can make one, so that what comes
// back can be believed without a look-up.
func (r receipt) seal(key []byte) string {
	b := make([]byte, 0, handleBytes)
	b = append(b, handleMark[:]...)
	b = appendNumber(appendNumber(appendNumber(b, r.queue), uint64(r.due)), r.number)
	b = binary.BigEndian.AppendUint32(b, r.count)
	b = append(b, signature(key, b)...)
	return base64.StdEncoding.EncodeToString(b)
}

// openReceipt reads a handle. It is false for anything that seal did not make with this key.
func openReceipt(key []byte, handle string) (receipt, bool) {
	if len(key) == 0 || len(handle) != base64.StdEncoding.EncodedLen(handleBytes) {
		return receipt{}, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(handle)
	if err != nil || len(b) != handleBytes || [4]byte(b[:4]) != handleMark {
		return receipt{}, false
	}
	said, seal := b[:handleBytes-sealBytes], b[handleBytes-sealBytes:]
	if !hmac.Equal(seal, signature(key, said)) {
		return receipt{}, false
	}
	return receipt{
		queue: binary.BigEndian.Uint64(said[4:]),
		position: position{
			due:    int64(binary.BigEndian.Uint64(said[12:])),
			number: binary.BigEndian.Uint64(said[20:]),
		},
		count: binary.BigEndian.Uint32(said[28:]),
	}, true
}

func signature(key, said []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(said)
	return mac.Sum(nil)[:sealBytes]
}
