package stream

import (
	"cmp"
	"slices"
	"time"
)

// Status is where a stream is in its life.
type Status string

// The states of a stream: it is made in CREATING, becomes ACTIVE, and leaves through DELETING.
const (
	StatusCreating Status = "CREATING"
	StatusActive   Status = "ACTIVE"
	StatusUpdating Status = "UPDATING"
	StatusDeleting Status = "DELETING"
)

// usable reports whether records can be put and read.
func (s Status) usable() bool { return s == StatusActive || s == StatusUpdating }

// Mode says who decides how many shards a stream has.
type Mode string

// The modes of a stream.
const (
	ModeProvisioned Mode = "PROVISIONED"
	ModeOnDemand    Mode = "ON_DEMAND"
)

// Stream is a snapshot of a stream.
type Stream struct {
	Name Name
	// Number is that of the incarnation. No other stream ever has it, one of the same name included.
	Number  uint64
	Status  Status
	Mode    Mode
	Created time.Time // whole seconds
	// Retention is how long a record is kept from its arrival.
	Retention time.Duration
	// MaxRecordBytes bounds the payload and partition key of one record together.
	MaxRecordBytes int
	// KeyID is the key that records are encrypted under as they are put, "" while they are not encrypted.
	KeyID string
	// ShardMetrics are the names of the metrics that are on for each shard. The slice is shared: read only.
	ShardMetrics []string
	// WarmMiBps is the throughput that an on-demand stream is kept warm for, in MiB a second; 0 when nothing was asked.
	WarmMiBps int
	// Shards are in order of their indexes; there are none before the stream is ACTIVE. Closed shards are among them
	// until all their records have expired. The slice is shared: read only.
	Shards []Shard

	closed bool // some of Shards may be
	// trimmed is where the horizon was when the retention was last changed: what had expired then does not come back.
	trimmed time.Time
}

// OpenShards returns how many shards take records.
func (s Stream) OpenShards() int {
	open := 0
	for i := range s.Shards {
		if s.Shards[i].Open() {
			open++
		}
	}
	return open
}

// Shard returns the shard of that index.
func (s Stream) Shard(index uint32) (Shard, bool) {
	i, ok := searchShard(s.Shards, index)
	if !ok {
		return Shard{}, false
	}
	return s.Shards[i], true
}

// searchShard returns the place of the shard with that index in a list that is in order.
func searchShard(shards []Shard, index uint32) (int, bool) {
	if int(index) < len(shards) && shards[index].Index == index { // none before it has expired
		return int(index), true
	}
	return slices.BinarySearchFunc(shards, index, func(sh Shard, index uint32) int { return cmp.Compare(sh.Index, index) })
}

// Children returns the shards that the given one was split or merged into.
func (s Stream) Children(index uint32) []Shard {
	var children []Shard
	for _, sh := range s.Shards {
		if sh.Parent == int64(index) || sh.AdjacentParent == int64(index) {
			children = append(children, sh)
		}
	}
	return children
}

// horizon returns the time before which records have expired.
func (s Stream) horizon(now time.Time) time.Time { return later(now.Add(-s.Retention), s.trimmed) }

// kept returns the snapshot without the closed shards whose records have all expired.
func (s Stream) kept(now time.Time) Stream {
	if !s.closed {
		return s
	}
	horizon := s.horizon(now)
	expired := func(sh Shard) bool { return !sh.openAt(horizon) }
	if slices.ContainsFunc(s.Shards, expired) {
		s.Shards = slices.DeleteFunc(slices.Clone(s.Shards), expired)
	}
	return s
}

// initialShards returns the shards that a new stream begins with.
func initialShards(count int, created time.Time) []Shard {
	shards := make([]Shard, count)
	for i, r := range evenRanges(count) {
		shards[i] = Shard{Index: uint32(i), Range: r, Parent: NoParent, AdjacentParent: NoParent, Created: created}
	}
	return shards
}
