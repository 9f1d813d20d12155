package disk

import (
	"encoding/binary"
	"hash/crc32"
)

// Pebble's logs, the manifest among them, are blocks of 32 KiB, and in each block chunks: a checksum of all that follows
// it, a length, a kind, in newer forms the number of the log and how far it was synced, and then the bytes. A record is
// one full chunk, or a first, any number of middle ones and a last.

const (
	logBlockLen  = 32 << 10
	minChunkLen  = 4 + 2 + 1
	maxChunkHead = minChunkLen + 4 + 8
)

// chunkPart says which part of a record a chunk holds.
type chunkPart byte

const (
	partNone chunkPart = iota
	partFull
	partFirst
	partMiddle
	partLast
)

// chunk is one chunk of a log.
type chunk struct {
	part  chunkPart
	log   uint32 // number of the log, 0 in the manifest's form
	bytes []byte
	size  int // with its head
}

// chunkAt returns the sound chunk at the beginning of b, or none.
func chunkAt(b []byte) chunk {
	if len(b) < minChunkLen {
		return chunk{}
	}
	kind := b[6]
	form, part := (int(kind)-1)/4, chunkPart((kind-1)%4)+partFull
	if kind == 0 || form > 2 {
		return chunk{}
	}
	head := [...]int{minChunkLen, minChunkLen + 4, maxChunkHead}[form]
	size := head + int(binary.LittleEndian.Uint16(b[4:6]))
	if size > len(b) || binary.LittleEndian.Uint32(b) != maskedSum(b[6:size]) {
		return chunk{}
	}
	c := chunk{part: part, bytes: b[head:size], size: size}
	if form > 0 {
		c.log = binary.LittleEndian.Uint32(b[minChunkLen:])
	}
	return c
}

// maskedSum is the form in which Pebble writes its checksums.
func maskedSum(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}
