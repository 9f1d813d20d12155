package stream

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/store"
)

// NoParent is the Parent and AdjacentParent of a shard that has none.
const NoParent = -1

// ErrShardID says that a text cannot be read as the id of a shard.
var ErrShardID = errors.New("not a shard id")

// ShardKey names a shard of one incarnation of a stream: a stream that is deleted and created again has other keys.
type ShardKey struct {
	Stream uint64 // Stream.Number
	Index  uint32
}

func (k ShardKey) log() store.LogID { return store.LogID{Stream: k.Stream, Shard: k.Index} }

// Shard describes a shard: a range of hash keys whose records keep their order.
type Shard struct {
	Index uint32
	Range HashRange
	// Parent and AdjacentParent are the indexes of the shards that were split or merged into this one, or NoParent.
	Parent, AdjacentParent int64
	// Created is in whole seconds: it is part of every sequence number of the shard.
	Created time.Time
	// Closed is zero while the shard is open.
	Closed time.Time
}

// ID returns the shard's name.
func (s Shard) ID() string { return ShardID(s.Index) }

// Open reports whether the shard takes records.
func (s Shard) Open() bool { return s.Closed.IsZero() }

// openAt reports whether the shard is open now or was still open at t: all of the second in which it was closed belongs
// to it.
func (s Shard) openAt(t time.Time) bool { return s.Open() || t.Before(s.Closed.Add(time.Second)) }

// SequenceNumber returns the number of the record at p that arrived at the given time.
func (s Shard) SequenceNumber(p Position, arrival time.Time) SequenceNumber {
	return s.number(p, arrival.Unix())
}

// Start returns the number that the shard begins with; all its records are greater.
func (s Shard) Start() SequenceNumber { return s.number(0, 0) }

// End returns the number that a closed shard ends with; all its records are smaller.
func (s Shard) End() SequenceNumber { return s.number(MaxPosition, s.Closed.Unix()) }

func (s Shard) number(p Position, seconds int64) SequenceNumber {
	created := s.Created.Unix()
	return encodeSequence(Origin{Creation: created, Position: p, Time: max(seconds, created), Shard: int32(s.Index)})
}

const shardIDDigits = 12

// ShardID returns the canonical id of a shard: "shardId-" and twelve digits.
func ShardID(index uint32) string { return formatShardID(int64(index)) }

// formatShardID writes the index in twelve places, of which a negative one (that only a made up sequence number can
// hold) gives the first to its sign.
func formatShardID(index int64) string {
	id := make([]byte, 0, len("shardId-")+shardIDDigits)
	id = append(id, "shardId-"...)
	places := shardIDDigits
	if index < 0 {
		id, index, places = append(id, '-'), -index, places-1
	}
	digits := strconv.FormatInt(index, 10)
	for range places - len(digits) {
		id = append(id, '0')
	}
	return string(append(id, digits...))
}

// ParseShardID reads a shard id with AWS's tolerance: what follows the first '-' (or all, when there is none) must be
// digits for a number up to 2147483647. Anything else is ErrShardID.
func ParseShardID(s string) (uint32, error) {
	if _, rest, ok := strings.Cut(s, "-"); ok {
		s = rest
	}
	if !allDigits(s) {
		return 0, ErrShardID
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, ErrShardID
	}
	return uint32(n), nil
}
