package logs

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/millrace/millrace/store"
)

// blockVersion leads every block. A later form gets the next number, and readers then know both.
const blockVersion = 1

// entry is an event of a stream on its way into a block or out of one.
type entry struct {
	stream  uint32
	time    int64 // milliseconds of Unix time
	message []byte
}

// eventOverhead is what AWS counts for an event beside its message.
const eventOverhead = 26

// appendBlock writes events that were ingested at the same time: the version, that time, and for each event its stream,
// how far its time is from the other, and the message behind its length. All numbers are varints.
func appendBlock(b []byte, ingested int64, entries []entry) []byte {
	size := 16
	for _, e := range entries {
		size += len(e.message) + 20
	}
	b = append(slices.Grow(b, size), blockVersion)
	b = binary.AppendVarint(b, ingested)
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.stream))
		b = binary.AppendVarint(b, e.time-ingested)
		b = binary.AppendUvarint(b, uint64(len(e.message)))
		b = append(b, e.message...)
	}
	return b
}

// readBlock calls visit with the events of a block, whose messages are parts of it.
func readBlock(b []byte, visit func(ingested int64, e entry)) error {
	if len(b) == 0 {
		return fmt.Errorf("empty block of a log: %w", store.ErrCorrupt)
	}
	if b[0] != blockVersion {
		return fmt.Errorf("block of a log in version %d, this program reads version %d", b[0], blockVersion)
	}
	r := blockReader{b: b[1:]}
	ingested := r.varint()
	for len(r.b) > 0 && !r.bad {
		e := entry{stream: uint32(r.uvarint())}
		e.time = ingested + r.varint()
		e.message = r.bytes(r.uvarint())
		if !r.bad {
			visit(ingested, e)
		}
	}
	if r.bad {
		return fmt.Errorf("block of a log: %w", store.ErrCorrupt)
	}
	return nil
}

// blockReader reads a block's parts; what comes after something unreadable is zero.
type blockReader struct {
	b   []byte
	bad bool
}

func (r *blockReader) skip(n int) {
	if n <= 0 {
		r.bad, n = true, 0
	}
	r.b = r.b[n:]
}

func (r *blockReader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

func (r *blockReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *blockReader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	part := r.b[:n]
	r.b = r.b[n:]
	return part
}
