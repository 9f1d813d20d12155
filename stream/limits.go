package stream

import "time"

// Limits of a call and of a stream, as AWS has them.
const (
	// MaxPutEntries is how many entries one put may have.
	MaxPutEntries = 500
	// MaxPutBytes bounds the entries of one put together: payloads and partition keys.
	MaxPutBytes = 10 << 20
	// MaxReadRecords and MaxReadBytes bound what GetRecords returns. A single record may be larger.
	MaxReadRecords = 10_000
	MaxReadBytes   = 10 << 20
	// DefaultRecordBytes is the largest record of a stream that does not say otherwise, MaxRecordBytes the largest
	// that one can ask for.
	DefaultRecordBytes = 1 << 20
	MaxRecordBytes     = 10 << 20
	// DefaultRetention is how long a new stream keeps its records; the others bound for how long one can be asked to.
	DefaultRetention  = 24 * time.Hour
	MinRetentionHours = 24
	MaxRetentionHours = 8760
	// IteratorLife is how long a shard iterator can be used, PageTokenLife how long a page token can.
	IteratorLife  = 300_000 * time.Millisecond
	PageTokenLife = 300 * time.Second
)

const (
	// requestPeriod is the time in which some operations may be asked for only so often.
	requestPeriod = 24 * time.Hour
	// maxCountUpdates and maxModeUpdates are how often the shard count and the mode of a stream may change in it.
	maxCountUpdates = 10
	maxModeUpdates  = 2
	// maxTargetShards is the most that a shard count can be changed to.
	maxTargetShards = 10_000
	// maxListedShards bounds a stream's shards, closed ones included, as far as they are remembered: they stand in one
	// document of the store.
	maxListedShards = 50_000
)

const (
	// onDemandShards is how many shards an on-demand stream begins with.
	onDemandShards = 4
	// maxCreating is how many streams of an account may be CREATING at a time in a region.
	maxCreating = 5
	// maxOnDemand is how many on-demand streams an account may have in a region.
	maxOnDemand = 50
	// reshapeLead is how far a shard that came out of another may be dated ahead: a second for each generation of a
	// change, of which there are two at most.
	reshapeLead = 2 * time.Second
	// creationLag is how far a stream's creation time lies before the request: AWS's does by some seconds, and so no
	// client clock that runs a little behind finds its new stream in the future.
	creationLag = 2 * time.Second
)
