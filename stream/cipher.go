package stream

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/store"
)

// blockCipher encrypts what a stream's blocks hold beside their headers, with AES-256-GCM. Each block has a key of its
// own, derived from the stream's secret and a salt that the block carries, so that no key is ever used twice, however
// many blocks there are. The header stays in clear, since reading by time needs it, but is authenticated.
//
// The secret lies in the stream's document: it goes with the stream, and protects a block that gets out alone, not one
// whose whole store does.
type blockCipher struct {
	secret []byte
	on     bool // whether blocks to come are to be encrypted
}

const (
	secretBytes   = 32
	saltBytes     = 16
	sealedVersion = 2 // of a block that may be encrypted
	sealedFlag    = 1 // in the byte after the version
)

func (c *blockCipher) aead(salt []byte) (cipher.AEAD, error) {
	if c == nil {
		return nil, fmt.Errorf("%w: the block is encrypted and the stream has no key", store.ErrCorrupt)
	}
	key, err := hkdf.Key(sha256.New, c.secret, salt, "millrace block", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal returns an encoded block in its encrypted form. The block that was encoded stays as it is.
func (c *blockCipher) seal(data []byte) ([]byte, error) {
	sealed := make([]byte, blockHeader+saltBytes, len(data)+saltBytes+sealTag)
	copy(sealed, data[:blockHeader])
	salt := sealed[blockHeader:]
	rand.Read(salt)
	aead, err := c.aead(salt)
	if err != nil {
		return nil, fmt.Errorf("encrypt block: %w", err)
	}
	sealed[0], sealed[1] = sealedVersion, sealedFlag
	sealed = aead.Seal(sealed, make([]byte, aead.NonceSize()), data[blockHeader:], associated(sealed))
	binary.LittleEndian.PutUint32(sealed[4:], checksum(sealed))
	return sealed, nil
}

// open returns what an encrypted block holds behind its header, and overwrites the block with it.
func (c *blockCipher) open(data []byte) ([]byte, error) {
	if len(data) < blockHeader+saltBytes+sealTag {
		return nil, fmt.Errorf("%w: %w: too short to be encrypted", store.ErrCorrupt, errBlock)
	}
	aead, err := c.aead(data[blockHeader : blockHeader+saltBytes])
	if err != nil {
		return nil, err
	}
	sealed := data[blockHeader+saltBytes:]
	body, err := aead.Open(sealed[:0], make([]byte, aead.NonceSize()), sealed, associated(data))
	if err != nil {
		return nil, fmt.Errorf("%w: the block cannot be decrypted", store.ErrCorrupt)
	}
	return body, nil
}

// associated returns the header without its checksum, which is of the encrypted form.
func associated(data []byte) []byte {
	header := make([]byte, blockHeader)
	copy(header, data)
	clear(header[4:8])
	return header
}
