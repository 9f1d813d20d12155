package mapping

import (
	"slices"

	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/aggregate"
)

// unpack returns the records of a shard with user records in place of the aggregated ones that a producer packed them
// into. They have the position and the arrival of the record that held them, and are counted in it from 1. What is no
// aggregated record stays as it is.
//
// An aggregated record with a user record that belongs to another shard, by its hash key, is passed over with all that is
// in it, as AWS does it: its producer was wrong about the shards, learns that from the answer to its put, and puts what
// was in it again.
func unpack(records []stream.Record, shard *stream.Shard) (unpacked []stream.Record, strays []*stream.Record) {
	for i := range records {
		found, ok := aggregate.Decode(records[i].Data)
		if !ok {
			if unpacked != nil {
				unpacked = append(unpacked, records[i])
			}
			continue
		}
		if unpacked == nil {
			unpacked = append(make([]stream.Record, 0, len(records)+len(found)), records[:i]...)
		}
		if strayed(found, shard.Range) {
			strays = append(strays, &records[i])
			continue
		}
		for n := range found {
			user := records[i]
			user.PartitionKey, user.Hash, user.Data = found[n].PartitionKey, found[n].Hash, found[n].Data
			user.SubSequence = uint32(n + 1)
			unpacked = append(unpacked, user)
		}
	}
	if unpacked == nil {
		return records, nil
	}
	return unpacked, strays
}

func strayed(found []aggregate.Record, within stream.HashRange) bool {
	return slices.ContainsFunc(found, func(r aggregate.Record) bool { return !within.Contains(r.Hash) })
}
