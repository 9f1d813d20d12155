package mapping

import (
	"context"
	"math/rand/v2"

	"github.com/millrace/millrace/stream"
)

// ordealConsumer is the consumer that the mapping of an ordeal reads for; nil when it reads an iterator.
type ordealConsumer struct {
	id     stream.ConsumerID
	random *rand.Rand
}

// pack makes aggregated records of some consecutive records of a shard.
func (c *ordealConsumer) pack(records []stream.Record) []stream.Record {
	if c == nil {
		return records
	}
	var packed []stream.Record
	for len(records) > 0 {
		n := 1 + c.random.IntN(min(len(records), 5))
		whole := records[0]
		if n > 1 || c.random.IntN(3) == 0 {
			whole.Data = aggregated(records[:n]...)
		}
		packed, records = append(packed, whole), records[n:]
	}
	return packed
}

// disturb takes a subscription from the mapping now and then.
func (c *ordealConsumer) disturb(o *ordeal) {
	if c == nil || c.random.IntN(20) > 0 {
		return
	}
	shard := uint32(c.random.IntN(4))
	if sub, err := o.source.Subscribe(context.Background(), c.id, shard, stream.Start{}); err == nil && c.random.IntN(2) == 0 {
		sub.Close()
	}
}
