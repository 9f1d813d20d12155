package stream

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// sealer makes the opaque texts that clients carry for us: what they hold cannot be read or changed without the key,
// which lives in the store, so that they outlive a restart. Their form is AWS's: base64 of eight bytes 00 … 01 and
// then a multiple of sixteen bytes, here a nonce, the sealed payload and its tag.
type sealer struct{ aead cipher.AEAD }

const (
	sealKeyBytes = 32
	sealHeader   = 8
	sealNonce    = 12
	sealTag      = 16
	sealAlign    = 16
)

// sealMark is what every sealed text begins with.
var sealMark = binary.BigEndian.AppendUint64(nil, 1)

func newSealer(key []byte) (*sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

// seal returns a text around the payload, filled up with zeros to at least size bytes before the base64. No two texts
// are alike. It opens only with the same context.
func (s *sealer) seal(context string, payload []byte, size int) string {
	n := max(size, sealHeader+sealNonce+len(payload)+sealTag) - sealHeader
	n = (n+sealAlign-1)/sealAlign*sealAlign - sealNonce - sealTag
	payload = append(payload, make([]byte, n-len(payload))...)
	text := append(make([]byte, 0, sealHeader+sealNonce+n+sealTag), sealMark...)
	text = text[:sealHeader+sealNonce]
	rand.Read(text[sealHeader:])
	return base64.StdEncoding.EncodeToString(s.aead.Seal(text, text[sealHeader:], payload, []byte(context)))
}

// open returns the payload of a text, with its zeros, and whether the text is one of ours. Double quotes around the
// text are passed over, since shells leave them there.
func (s *sealer) open(context, text string) ([]byte, bool) {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	if strings.ContainsAny(text, "\r\n") { // which the decoder would pass over
		return nil, false
	}
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(data) < sealHeader+sealNonce+sealTag || !bytes.HasPrefix(data, sealMark) {
		return nil, false
	}
	payload, err := s.aead.Open(nil, data[sealHeader:sealHeader+sealNonce], data[sealHeader+sealNonce:], []byte(context))
	return payload, err == nil
}
