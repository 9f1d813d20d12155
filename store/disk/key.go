package disk

import (
	"encoding/binary"

	"github.com/millrace/millrace/store"
)

// The first byte of every key names its keyspace, and with it the form of what follows. A keyspace whose form changes
// gets a new byte, so that old and new can live side by side while one is carried over.
const (
	spaceMeta   = 0x00 // facts about the store itself
	spaceBlocks = 0x10 // stream, shard, ordinal (all big-endian) -> sealed block
	spaceTrims  = 0x11 // stream, shard -> sealed first and last ordinal, written by a trim
	spaceDrops  = 0x12 // stream -> sealed nothing, while the logs of a dropped stream are not deleted yet
	spaceTables = 0x20 // table name, 0x00, key -> sealed revision and value
)

var (
	keyFormat = []byte{spaceMeta, 'f'} // sealed number of the store's format
	keyEpoch  = []byte{spaceMeta, 'e'} // sealed number of times the store was opened
)

const (
	streamKeyLen = 1 + 8
	logKeyLen    = streamKeyLen + 4
	blockKeyLen  = logKeyLen + 8
)

func appendStreamKey(dst []byte, space byte, stream uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, space), stream)
}

func appendLogKey(dst []byte, space byte, log store.LogID) []byte {
	return binary.BigEndian.AppendUint32(appendStreamKey(dst, space, log.Stream), log.Shard)
}

func blockKey(log store.LogID, ordinal uint64) []byte {
	key := appendLogKey(make([]byte, 0, blockKeyLen), spaceBlocks, log)
	return binary.BigEndian.AppendUint64(key, ordinal)
}

func trimKey(log store.LogID) []byte {
	return appendLogKey(make([]byte, 0, logKeyLen), spaceTrims, log)
}

func dropKey(stream uint64) []byte { return appendStreamKey(nil, spaceDrops, stream) }

// streamOf reads the stream's number from a key that begins with it.
func streamOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[1:]) }

// ordinalOf reads the ordinal from a block's key.
func ordinalOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[logKeyLen:]) }

func tableKey(table, key string) []byte {
	k := make([]byte, 0, 2+len(table)+len(key))
	return append(append(append(append(k, spaceTables), table...), 0), key...)
}

// tableEnd returns the least key greater than all of the table's.
func tableEnd(table string) []byte {
	k := make([]byte, 0, 2+len(table))
	return append(append(append(k, spaceTables), table...), 1)
}

// after returns the least key greater than all that begin with prefix, or nil when there is none.
func after(prefix []byte) []byte {
	end := store.PrefixEnd(string(prefix))
	if end == "" {
		return nil
	}
	return []byte(end)
}
