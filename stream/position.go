package stream

// Position is the place of a record in its shard: the ordinal of its block and its offset there. A cursor is a
// Position too, and exclusive: reading goes on with the first record after it. 0 is before everything. The position
// is the index that a sequence number carries, so the two order alike.
type Position uint64

// MaxPosition is after every record.
const MaxPosition Position = 1<<63 - 1

const (
	offsetBits = 16
	maxOffset  = 1<<offsetBits - 1 // no record has it, so that a block's first record has a position before it
	maxOrdinal = 1<<47 - 1
)

func positionAt(ordinal uint64, offset int) Position {
	return Position(ordinal<<offsetBits | uint64(offset))
}

// afterBlock returns a position that is after all records of the block and before those of the next one.
func afterBlock(ordinal uint64) Position { return positionAt(ordinal, maxOffset) }

func (p Position) ordinal() uint64 { return uint64(p) >> offsetBits }

// before returns the cursor from which reading begins with p.
func (p Position) before() Position {
	if p == 0 {
		return 0
	}
	return p - 1
}
