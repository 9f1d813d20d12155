package mapping

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/stream"
)

// Stats are what a mapping did since the program started.
type Stats struct {
	Polled      uint64 // records read from the stream, those of which nothing was known to be done
	FilteredOut uint64 // of these, records that no filter matched

	Batches     uint64 // gathered from a shard; the halves of a split one are not counted
	Invocations uint64 // that reached the function
	Retries     uint64 // invocations of a batch after its first attempt
	Splits      uint64 // failed batches that were cut in two
	Throttles   uint64 // attempts that the function's concurrency limit turned away

	Delivered uint64 // records that the function took
	Discarded uint64 // records given up for their age or their retries
	Expired   uint64 // records that the stream's retention ended while they waited

	Documents        uint64 // sent to the on-failure destination
	DocumentFailures uint64 // that could not be sent and were dropped

	Shards      []ShardStats // in order of their indexes
	PutToInvoke Latency      // from a record's arrival to its first attempt
	FreeLane    Latency      // the same, of records that no earlier batch of their lane made wait

	// IteratorAge is how old the last record of the newest batch was when that was handed to the function.
	IteratorAge time.Duration
}

// ShardStats are the part of one shard.
type ShardStats struct {
	Shard     uint32
	Delivered uint64
	Discarded uint64
}

// Stats returns what a mapping of any account did, or ErrNotFound.
func (s *Service) Stats(uuid string) (Stats, error) {
	s.mu.RLock()
	e := s.entries[uuid]
	s.mu.RUnlock()
	if e == nil {
		return Stats{}, ErrNotFound
	}
	return e.stats.snapshot(), nil
}

// stats count for one mapping.
type stats struct {
	polled, filteredOut                              atomic.Uint64
	batches, invocations, retries, splits, throttles atomic.Uint64
	delivered, discarded, expired                    atomic.Uint64
	documents, documentFailures                      atomic.Uint64
	putToInvoke, freeLane                            histogram
	iteratorAge                                      atomic.Int64 // nanoseconds

	mu     sync.Mutex
	stream uint64 // the incarnation that the shards are of
	shards map[uint32]*shardStats
}

type shardStats struct {
	delivered, discarded atomic.Uint64
}

// follow forgets the counts of shards that the stream does not have, so that they do not gather over the years.
func (s *stats) follow(st *stream.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make(map[uint32]*shardStats, len(st.Shards))
	if s.stream == st.Number {
		for i := range st.Shards {
			if counts := s.shards[st.Shards[i].Index]; counts != nil {
				kept[st.Shards[i].Index] = counts
			}
		}
	}
	s.stream, s.shards = st.Number, kept
}

// shard returns the counts of a shard of the stream that is followed.
func (s *stats) shard(index uint32) *shardStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.shards[index]
	if counts == nil {
		counts = &shardStats{}
		s.shards[index] = counts
	}
	return counts
}

func (s *stats) snapshot() Stats {
	return Stats{
		Polled:           s.polled.Load(),
		FilteredOut:      s.filteredOut.Load(),
		Batches:          s.batches.Load(),
		Invocations:      s.invocations.Load(),
		Retries:          s.retries.Load(),
		Splits:           s.splits.Load(),
		Throttles:        s.throttles.Load(),
		Delivered:        s.delivered.Load(),
		Discarded:        s.discarded.Load(),
		Expired:          s.expired.Load(),
		Documents:        s.documents.Load(),
		DocumentFailures: s.documentFailures.Load(),
		Shards:           s.shardsSnapshot(),
		PutToInvoke:      s.putToInvoke.latency(),
		FreeLane:         s.freeLane.latency(),
		IteratorAge:      time.Duration(s.iteratorAge.Load()),
	}
}

func (s *stats) shardsSnapshot() []ShardStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]ShardStats, 0, len(s.shards))
	for index, counts := range s.shards {
		all = append(all, ShardStats{Shard: index, Delivered: counts.delivered.Load(), Discarded: counts.discarded.Load()})
	}
	slices.SortFunc(all, func(a, b ShardStats) int { return cmp.Compare(a.Shard, b.Shard) })
	return all
}

// waited adds a batch that is tried for the first time to the latencies.
func (s *stats) waited(b *batch, now time.Time) {
	s.putToInvoke.addAll(b.records, now)
	if b.free {
		s.freeLane.addAll(b.records, now)
	}
}

// Buffered returns how many bytes the lanes of all mappings hold of what they have read. It is 0 when Run has ended.
func (s *Service) Buffered() int64 { return s.buffered.Load() }
