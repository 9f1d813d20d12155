package stream

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/millrace/millrace/store"
)

// A block is what one commit stored: records in order, behind a header that says enough to seek by time. All numbers
// are little-endian.
//
//	 0  version: 1, or 2 when the block is encrypted
//	 1  zero, or 1 when the block is encrypted
//	 2  number of records, 1 to maxBlockRecords (16 bits)
//	 4  CRC-32C of everything but this field (32 bits)
//	 8  arrival of the first record, microseconds since 1970 (64 bits)
//	16  arrival of the last record
//	24  length of the meta part (32 bits)
//	28  length of the keys part (32 bits)
//	32  meta: a record each: uvarint microseconds since the record before, uvarint 2*length of the partition key + 1 if
//	    an explicit hash key follows, uvarint length of the payload, the explicit hash key (16 bytes) if there is one
//	    keys: the partition keys, one after the other
//	    data: the payloads, one after the other
//
// The keys lie together so that a reader makes one string of them all. The hash of a partition key is not stored.
//
// In an encrypted block the header is followed by a salt of 16 bytes and the encrypted meta, keys and data with their
// authentication tag (see cipher.go); the lengths in the header are those of the parts in clear.
const (
	blockVersion    = 1
	blockHeader     = 32
	maxBlockRecords = maxOffset // offsets 0 to maxOffset-1
	maxMeta         = binary.MaxVarintLen64 + 2*binary.MaxVarintLen32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errBlock = errors.New("malformed block")

// block is a block in memory. It is never changed once it has its ordinal.
type block struct {
	ordinal     uint64
	first, last int64 // arrival in microseconds since 1970
	records     []Record
	bytes       int64 // what it keeps in memory
}

// end returns the position of the block's last record.
func (b *block) end() Position { return positionAt(b.ordinal, len(b.records)-1) }

// start returns the position before the block's first record.
func (b *block) start() Position { return positionAt(b.ordinal, 0).before() }

// after returns the block's records after the cursor.
func (b *block) after(cursor Position) []Record {
	switch {
	case cursor.ordinal() < b.ordinal:
		return b.records
	case cursor.ordinal() > b.ordinal:
		return nil
	}
	return b.records[min(int(cursor&maxOffset)+1, len(b.records)):]
}

// since returns the offset of the first record that arrived at t (in microseconds) or later.
func (b *block) since(t int64) int {
	i, _ := slices.BinarySearchFunc(b.records, t, func(r Record, t int64) int { return cmp.Compare(r.Arrival.UnixMicro(), t) })
	return i
}

// place gives the block its ordinal, and with it the records their positions.
func (b *block) place(ordinal uint64) {
	b.ordinal = ordinal
	for i := range b.records {
		b.records[i].Position = positionAt(ordinal, i)
	}
}

// draft is one record of a block to be.
type draft struct {
	entry   *Entry
	hash    Hash
	arrival int64 // microseconds since 1970, never before that of the draft before
}

// encodeBlock returns the encoded block and the block itself, whose records share the encoded bytes. It takes 1 to
// maxBlockRecords drafts.
func encodeBlock(drafts []draft) ([]byte, *block) {
	meta, keys, payload := 0, 0, 0
	for i := range drafts {
		e := drafts[i].entry
		meta += maxMeta
		if e.ExplicitHashKey != nil {
			meta += len(Hash{})
		}
		keys += len(e.PartitionKey)
		payload += len(e.Data)
	}
	first, last := drafts[0].arrival, drafts[len(drafts)-1].arrival
	data := make([]byte, blockHeader, blockHeader+meta+keys+payload)
	data = appendMeta(data, drafts)
	meta = len(data) - blockHeader
	for i := range drafts {
		data = append(data, drafts[i].entry.PartitionKey...)
	}
	keyText := string(data[blockHeader+meta:])
	b := &block{first: first, last: last, records: make([]Record, len(drafts))}
	for i := range drafts {
		d := &drafts[i]
		at := len(data)
		data = append(data, d.entry.Data...)
		size := len(d.entry.PartitionKey)
		b.records[i] = Record{Arrival: fromMicros(d.arrival), PartitionKey: keyText[:size], Hash: d.hash, Data: data[at:len(data):len(data)]}
		keyText = keyText[size:]
	}
	b.bytes = int64(cap(data) + keys + len(drafts)*recordOverhead)

	data[0] = blockVersion
	binary.LittleEndian.PutUint16(data[2:], uint16(len(drafts)))
	binary.LittleEndian.PutUint64(data[8:], uint64(first))
	binary.LittleEndian.PutUint64(data[16:], uint64(last))
	binary.LittleEndian.PutUint32(data[24:], uint32(meta))
	binary.LittleEndian.PutUint32(data[28:], uint32(keys))
	binary.LittleEndian.PutUint32(data[4:], checksum(data))
	return data, b
}

func appendMeta(data []byte, drafts []draft) []byte {
	before := drafts[0].arrival
	for i := range drafts {
		d := &drafts[i]
		explicit := uint64(0)
		if d.entry.ExplicitHashKey != nil {
			explicit = 1
		}
		data = binary.AppendUvarint(data, uint64(d.arrival-before))
		data = binary.AppendUvarint(data, uint64(len(d.entry.PartitionKey))<<1|explicit)
		data = binary.AppendUvarint(data, uint64(len(d.entry.Data)))
		if explicit != 0 {
			data = append(data, d.entry.ExplicitHashKey[:]...)
		}
		before = d.arrival
	}
	return data
}

func checksum(data []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, data[:4]), castagnoli, data[8:])
}

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// header is what a block's first bytes say.
type header struct {
	sealed      bool
	count       int
	first, last int64
	meta, keys  int
}

// decodeHeader reads the header and verifies the checksum of the whole block.
func decodeHeader(data []byte) (header, error) {
	if len(data) < blockHeader {
		return header{}, fmt.Errorf("%w: %w: %d bytes", store.ErrCorrupt, errBlock, len(data))
	}
	if want, got := binary.LittleEndian.Uint32(data[4:]), checksum(data); want != got {
		return header{}, fmt.Errorf("%w: checksum %08x, expected %08x", store.ErrCorrupt, got, want)
	}
	if v := data[0]; v != blockVersion && v != sealedVersion {
		return header{}, fmt.Errorf("%w: written in version %d, this program reads versions %d and %d", errBlock, v, blockVersion, sealedVersion)
	}
	h := header{
		sealed: data[0] == sealedVersion && data[1]&sealedFlag != 0,
		count:  int(binary.LittleEndian.Uint16(data[2:])),
		first:  int64(binary.LittleEndian.Uint64(data[8:])),
		last:   int64(binary.LittleEndian.Uint64(data[16:])),
		meta:   int(binary.LittleEndian.Uint32(data[24:])),
		keys:   int(binary.LittleEndian.Uint32(data[28:])),
	}
	if h.count == 0 || h.count > maxBlockRecords || h.first > h.last || h.meta+h.keys > len(data)-blockHeader {
		return header{}, fmt.Errorf("%w: %w: header", store.ErrCorrupt, errBlock)
	}
	return h, nil
}

// decodeBlock reads a block, which the cipher decrypts if need be. Its records share data, which must not change any
// more.
func decodeBlock(ordinal uint64, data []byte, c *blockCipher) (*block, error) {
	h, err := decodeHeader(data)
	if err != nil {
		return nil, err
	}
	body := data[blockHeader:]
	if h.sealed {
		if body, err = c.open(data); err != nil {
			return nil, err
		}
		if h.meta+h.keys > len(body) {
			return nil, fmt.Errorf("%w: %w: header", store.ErrCorrupt, errBlock)
		}
	}
	meta := body[:h.meta]
	keys := string(body[h.meta : h.meta+h.keys])
	payload := body[h.meta+h.keys:]
	b := &block{
		first: h.first, last: h.last, records: make([]Record, h.count),
		bytes: int64(cap(data) + len(keys) + h.count*recordOverhead),
	}
	d := metaReader{rest: meta}
	arrival := h.first
	for i := range b.records {
		delta, key, size := d.uvarint(), d.uvarint(), d.uvarint()
		r := &b.records[i]
		r.Encrypted = h.sealed
		if key&1 != 0 {
			r.Hash = d.hash()
		}
		length := key >> 1
		if d.failed || length > uint64(len(keys)) || size > uint64(len(payload)) || delta > uint64(h.last-arrival) || i == 0 && delta != 0 {
			return nil, fmt.Errorf("%w: %w: record %d", store.ErrCorrupt, errBlock, i)
		}
		arrival += int64(delta)
		r.Arrival = fromMicros(arrival)
		r.PartitionKey, keys = keys[:length], keys[length:]
		r.Data, payload = payload[:size:size], payload[size:]
		if key&1 == 0 {
			r.Hash = HashOf(r.PartitionKey)
		}
	}
	if len(d.rest)+len(keys)+len(payload) != 0 || arrival != h.last {
		return nil, fmt.Errorf("%w: %w: lengths", store.ErrCorrupt, errBlock)
	}
	b.place(ordinal)
	return b, nil
}

// metaReader reads the meta part. After a failure it yields zeros.
type metaReader struct {
	rest   []byte
	failed bool
}

func (m *metaReader) uvarint() uint64 {
	v, n := binary.Uvarint(m.rest)
	if n <= 0 {
		m.rest, m.failed = nil, true
		return 0
	}
	m.rest = m.rest[n:]
	return v
}

func (m *metaReader) hash() (h Hash) {
	if len(m.rest) < len(h) {
		m.rest, m.failed = nil, true
		return h
	}
	m.rest = m.rest[copy(h[:], m.rest):]
	return h
}
