package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/millrace/millrace/store"
)

func TestEncryptedBlockRoundTrip(t *testing.T) {
	c := &blockCipher{secret: bytes.Repeat([]byte{7}, secretBytes)}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 17, 500} {
		data, made := encodeBlock(someDrafts(rng, n))
		before := bytes.Clone(data)
		sealed, err := c.seal(data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, before) {
			t.Fatal("the block that readers share was changed")
		}
		h, err := decodeHeader(sealed)
		if err != nil || h.first != made.first || h.last != made.last || h.count != n {
			t.Errorf("header %+v, %v", h, err)
		}
		read, err := decodeBlock(0, bytes.Clone(sealed), c)
		if err != nil {
			t.Fatal(err)
		}
		for i := range made.records {
			made.records[i].Encrypted = true
			made.records[i].Position = read.records[i].Position
		}
		if !reflect.DeepEqual(made.records, read.records) {
			t.Errorf("%d records: what was made and what was read differ", n)
		}
		again, err := c.seal(data)
		if err != nil || bytes.Equal(again[blockHeader:], sealed[blockHeader:]) {
			t.Errorf("the same block is encrypted in the same way again: %v", err)
		}
	}
}

// TestEncryptedBlockIsAuthentic changes bytes and makes the checksum right again.
func TestEncryptedBlockIsAuthentic(t *testing.T) {
	c := &blockCipher{secret: bytes.Repeat([]byte{7}, secretBytes)}
	data, _ := encodeBlock(someDrafts(rand.New(rand.NewPCG(5, 6)), 3))
	sealed, err := c.seal(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		if i >= 4 && i < 8 {
			continue // the checksum itself
		}
		changed := bytes.Clone(sealed)
		changed[i] ^= 4
		binary.LittleEndian.PutUint32(changed[4:], checksum(changed))
		if _, err := decodeBlock(1, changed, c); err == nil {
			t.Errorf("byte %d was changed and the block read", i)
		}
	}
	for n := range sealed {
		cut := bytes.Clone(sealed[:n])
		if n >= blockHeader {
			binary.LittleEndian.PutUint32(cut[4:], checksum(cut))
		}
		if _, err := decodeBlock(1, cut, c); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	for name, other := range map[string]*blockCipher{"no key": nil, "another key": {secret: make([]byte, secretBytes)}} {
		if _, err := decodeBlock(1, bytes.Clone(sealed), other); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
