package aggregate

import (
	"bytes"
	"crypto/md5"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace/millrace/stream"
)

// magic is what the payload of an aggregated record begins with.
var magic = []byte{0xF3, 0x89, 0x9A, 0xC2}

// Record is a user record of an aggregated one.
type Record struct {
	PartitionKey string
	// ExplicitHashKey is the decimal number that the producer gave, empty if it gave none.
	ExplicitHashKey string
	// Hash is the explicit hash key if there is one, else the partition key's: what would have chosen the shard if the
	// record had been put by itself.
	Hash stream.Hash
	// Data is a part of the payload that was decoded: read only, and shared with whoever shares that.
	Data []byte
}

// Decode returns the user records that a record's payload holds, in their order, and true when it is an aggregated record.
// It is not when the magic is missing, the checksum or the message is wrong, an index leads out of its table, a hash key is
// none, or there is no record in it.
func Decode(payload []byte) ([]Record, bool) {
	message, ok := bytes.CutPrefix(payload, magic)
	if !ok || len(message) <= md5.Size {
		return nil, false
	}
	message, sum := message[:len(message)-md5.Size], message[len(message)-md5.Size:]
	if want := md5.Sum(message); !bytes.Equal(sum, want[:]) {
		return nil, false
	}
	var t tables
	if !t.read(message) || len(t.records) == 0 {
		return nil, false
	}
	found := make([]Record, 0, len(t.records))
	for _, text := range t.records {
		r, ok := t.record(text)
		if !ok {
			return nil, false
		}
		found = append(found, r)
	}
	return found, true
}

// tables are the members of an AggregatedRecord. The records are not read yet: the tables may come behind them.
type tables struct {
	partitionKeys []key
	explicitKeys  []key
	records       [][]byte
}

// key is a partition key or an explicit hash key, with the hash key that it stands for.
type key struct {
	text string
	hash stream.Hash
}

func (t *tables) read(message []byte) bool {
	return fields(message, func(f field) bool {
		switch {
		case f.kind != protowire.BytesType:
			return true
		case f.number == 1:
			if !utf8.Valid(f.bytes) {
				return false
			}
			text := string(f.bytes)
			t.partitionKeys = append(t.partitionKeys, key{text, stream.HashOf(text)})
		case f.number == 2:
			hash, err := stream.ParseHash(string(f.bytes))
			if err != nil {
				return false
			}
			t.explicitKeys = append(t.explicitKeys, key{string(f.bytes), hash})
		case f.number == 3:
			t.records = append(t.records, f.bytes)
		}
		return true
	})
}

// record reads a Record.
func (t *tables) record(message []byte) (Record, bool) {
	var (
		r                   Record
		index, explicit     uint64
		hasKey, hasExplicit bool
	)
	ok := fields(message, func(f field) bool {
		switch {
		case f.number == 1 && f.kind == protowire.VarintType:
			index, hasKey = f.varint, true
		case f.number == 2 && f.kind == protowire.VarintType:
			explicit, hasExplicit = f.varint, true
		case f.number == 3 && f.kind == protowire.BytesType:
			r.Data = f.bytes
		case f.number == 4 && f.kind == protowire.BytesType:
			return isTag(f.bytes)
		}
		return true
	})
	if !ok || r.Data == nil || !hasKey || index >= uint64(len(t.partitionKeys)) {
		return Record{}, false
	}
	r.PartitionKey, r.Hash = t.partitionKeys[index].text, t.partitionKeys[index].hash
	if hasExplicit {
		if explicit >= uint64(len(t.explicitKeys)) {
			return Record{}, false
		}
		r.ExplicitHashKey, r.Hash = t.explicitKeys[explicit].text, t.explicitKeys[explicit].hash
	}
	return r, true
}

// isTag reports whether the message is a Tag. Nobody is shown tags, but one that cannot be read spoils the message.
func isTag(message []byte) bool {
	hasKey := false
	return fields(message, func(f field) bool {
		hasKey = hasKey || f.number == 1 && f.kind == protowire.BytesType
		return true
	}) && hasKey
}
