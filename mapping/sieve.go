package mapping

import (
	"github.com/millrace/millrace/filter"
	"github.com/millrace/millrace/stream"
)

// sieve takes from some records of a shard those that the mapping's filters let pass.
type sieve struct {
	filters *filter.Set // nil lets all pass
	shard   stream.Shard

	records []*stream.Record
	text    []byte
}

func (s *sieve) add(r *stream.Record) { s.records = append(s.records, r) }

// sift returns the records that pass.
func (s *sieve) sift() []*stream.Record {
	if s.filters == nil {
		return s.records
	}
	kept := s.records[:0]
	for _, r := range s.records {
		if s.passes(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// empty forgets the records, whose memory is not the sieve's to hold.
func (s *sieve) empty() {
	clear(s.records)
	s.records = s.records[:0]
}

// passes reports whether a filter matches the record. What no filter speaks of is not written down for it.
func (s *sieve) passes(r *stream.Record) bool {
	record := filter.Record{Data: r.Data, PartitionKey: r.PartitionKey}
	if s.filters.Names("sequenceNumber") {
		s.text = s.shard.SequenceNumber(r.Position, r.Arrival).AppendTo(s.text[:0])
		record.SequenceNumber = string(s.text)
	}
	if s.filters.Names("approximateArrivalTimestamp") {
		s.text = appendSeconds(s.text[:0], r.Arrival)
		record.ApproximateArrivalTimestamp = string(s.text)
	}
	return s.filters.Match(&record)
}
