package stream

import "time"

// Limits of a shard, as AWS has them, when Config.ShardLimits is set.
const (
	// shardReadBytes is what can be read of a shard in a second, by all its iterators together; and by each consumer.
	shardReadBytes = 2 << 20
	// shardReads and shardIterators are how many calls of GetRecords and GetShardIterator a shard takes in a second.
	shardReads     = 5
	shardIterators = 5
	// burstSeconds is for how many seconds a shard saves up what it is not written, for records of more than shardBytes:
	// enough for one of the largest.
	burstSeconds = MaxRecordBytes / shardBytes
)

// bucket is what is left of a rate. It holds what passes in some time, and fills up evenly. It is no more than the time at
// which it is full again, in nanoseconds since 1970, so that the zero value is full, and an idle one costs nothing.
type bucket int64

// lacks returns how much of the bucket is used up: what it fills in that time.
func (b bucket) lacks(now int64) time.Duration { return time.Duration(max(0, int64(b)-now)) }

// less returns the bucket after what it fills in a time has been taken out of it.
func (b bucket) less(now int64, d time.Duration) bucket {
	return bucket(max(int64(b), now)) + bucket(d)
}

// lasting returns in what time a bucket with so much a second fills by n.
func lasting(n, perSecond int64) time.Duration {
	return time.Duration(n * int64(time.Second) / perSecond)
}

// inflow decides which records a shard takes: 1 MiB and 1000 records a second, a second's worth of them at one moment. A
// record of more than 1 MiB would never find room. It takes what the shard has saved up, up to 10 MiB, while less was
// written than might have been; it uses up the second it comes in, and what is saved up must then grow again.
type inflow struct{ bytes, records, saved bucket }

// take reports whether a record of the size is taken at the time, and takes it.
func (f *inflow) take(size int, now int64) bool {
	d, one := lasting(int64(size), shardBytes), lasting(1, shardRecords)
	if f.records.lacks(now)+one > time.Second {
		return false
	}
	const full = burstSeconds * time.Second
	switch {
	case d <= time.Second && f.bytes.lacks(now)+d <= time.Second:
		f.bytes = f.bytes.less(now, d)
		f.saved = min(f.saved.less(now, d), bucket(now+int64(full))) // it is never owed anything
	case d > time.Second && f.saved.lacks(now)+d <= full:
		f.bytes = bucket(now + int64(time.Second))
		f.saved = f.saved.less(now, d)
	default:
		return false
	}
	f.records = f.records.less(now, one)
	return true
}

// outflow decides when a shard gives out more: 2 MiB a second. How much an answer has is known when it is there, so that
// the answer is given if there is anything left in the bucket at all, and may leave it in debt. An answer of more than a
// second's worth is paid for in full before there is another: after 10 MiB that takes five seconds.
type outflow struct {
	bytes bucket
	large bool // the last answer was of more than a second's worth
}

// wait returns how long it is until an answer may be given, 0 for at once.
func (f *outflow) wait(now int64) time.Duration {
	lacks := f.bytes.lacks(now)
	switch {
	case f.large:
		return lacks
	case lacks < time.Second:
		return 0
	}
	return lacks - time.Second + 1
}

// give notes an answer.
func (f *outflow) give(size int, now int64) {
	d := lasting(int64(size), shardReadBytes)
	f.large = d > time.Second || f.large && f.bytes.lacks(now) > 0 // answers that were begun at the same time
	f.bytes = f.bytes.less(now, d)
}

// calls decides how many calls there may be: so many a second, all of them at one moment if there were none before.
type calls struct{ bucket }

// take reports whether a call is taken, and takes it.
func (c *calls) take(perSecond, now int64) bool {
	one := lasting(1, perSecond)
	if c.lacks(now)+one > time.Second {
		return false
	}
	c.bucket = c.less(now, one)
	return true
}
