package disk

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/millrace/millrace/store"
)

// Every value carries a seal of our own: a version byte and a CRC32C over the key it was written under and all that
// follows the seal. Pebble checks its files too, but its checks end at its own doors; this one spans the whole way,
// and it also notices a value that comes back under another key.
const (
	sealVersion = 1
	sealLen     = 1 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errSeal = errors.New("checksum does not match")

// bodySum is the part of a seal's sum that does not need the key. The body comes first in the sum so that a block's
// bytes can be summed before its ordinal is known.
func bodySum(body []byte) uint32 { return crc32.Update(0, castagnoli, body) }

// putSeal writes the seal in front of a body whose sum is given.
func putSeal(dst []byte, body uint32, key []byte) {
	dst[0] = sealVersion
	binary.LittleEndian.PutUint32(dst[1:sealLen], crc32.Update(body, castagnoli, key))
}

// sealed returns a new value: the seal and the body.
func sealed(key, body []byte) []byte {
	value := make([]byte, sealLen+len(body))
	copy(value[sealLen:], body)
	putSeal(value, bodySum(body), key)
	return value
}

// unseal checks a value and returns its body, which shares the value's memory.
func unseal(key, value []byte) ([]byte, error) {
	if len(value) < sealLen {
		return nil, errSeal
	}
	if value[0] != sealVersion {
		return nil, errors.New("unknown version of a value's seal")
	}
	body := value[sealLen:]
	if crc32.Update(bodySum(body), castagnoli, key) != binary.LittleEndian.Uint32(value[1:sealLen]) {
		return nil, errSeal
	}
	return body, nil
}

// Some values are numbers.

func sealedNumbers(key []byte, numbers ...uint64) []byte {
	var body []byte
	for _, n := range numbers {
		body = binary.BigEndian.AppendUint64(body, n)
	}
	return sealed(key, body)
}

func unsealNumbers(key, value []byte, count int) ([]uint64, error) {
	body, err := unseal(key, value)
	if err != nil {
		return nil, err
	}
	if len(body) != 8*count {
		return nil, errSeal
	}
	numbers := make([]uint64, count)
	for i := range numbers {
		numbers[i] = binary.BigEndian.Uint64(body[8*i:])
	}
	return numbers, nil
}

// An entry's body is its revision and its value.

func appendEntryBody(dst []byte, revision uint64, value []byte) []byte {
	return append(binary.BigEndian.AppendUint64(dst, revision), value...)
}

func decodeEntry(pebbleKey []byte, key string, value []byte) (store.Entry, error) {
	body, err := unseal(pebbleKey, value)
	if err != nil {
		return store.Entry{}, err
	}
	if len(body) < 8 {
		return store.Entry{}, errSeal
	}
	return store.Entry{
		Key:      key,
		Revision: binary.BigEndian.Uint64(body),
		Value:    append([]byte(nil), body[8:]...),
	}, nil
}
