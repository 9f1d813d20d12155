package stream

import "time"

// Entry is what a put asks to be stored as one record.
type Entry struct {
	Data         []byte // the caller's; not kept after Put returns
	PartitionKey string
	// ExplicitHashKey decides the shard in place of the partition key's hash when it is given.
	ExplicitHashKey *Hash
}

// size is what counts against limits: the payload and the partition key, in bytes.
func (e *Entry) size() int { return len(e.Data) + len(e.PartitionKey) }

func (e *Entry) hash() Hash {
	if e.ExplicitHashKey != nil {
		return *e.ExplicitHashKey
	}
	return HashOf(e.PartitionKey)
}

// Put is what became of one entry.
type Put struct {
	Shard          uint32
	SequenceNumber SequenceNumber
	Encrypted      bool // as Record.Encrypted
	// Err is nil when the record is durable. ErrThroughput says that the shard takes no more now and the entry may be
	// put again; anything else is a failure of the store.
	Err error
}

// Record is a stored record.
type Record struct {
	Position     Position
	Arrival      time.Time // in UTC, to the microsecond
	PartitionKey string
	Hash         Hash   // the explicit hash key if one was given, else the partition key's
	Data         []byte // shared by all readers: read only
	Encrypted    bool   // it was put while the stream encrypted
	// SubSequence tells apart the user records of an aggregated record once a reader has unpacked it: they are counted from
	// 1. It is 0 of every record as it is stored and read.
	SubSequence uint32
}

// size is what counts against limits, in bytes.
func (r *Record) size() int { return len(r.Data) + len(r.PartitionKey) }

// recordOverhead is about what a record takes in memory beside its bytes.
const recordOverhead = 96
