package stream

import (
	"errors"
	"slices"
	"time"
)

// Metric is something that is measured of a stream, of one of its shards, or of a consumer. Their names and units are
// AWS's.
type Metric int

// The metrics of a stream. Latencies and ages are in milliseconds; Success is 1 or 0, so that its average is a share.
const (
	IncomingBytes Metric = iota
	IncomingRecords
	WriteThroughputExceeded // records
	ReadThroughputExceeded  // calls
	PutRecordBytes
	PutRecordLatency
	PutRecordSuccess
	PutRecordsBytes
	PutRecordsLatency
	PutRecordsSuccess
	PutRecordsTotal
	PutRecordsSuccessful
	PutRecordsFailed
	PutRecordsThrottled
	GetRecordsBytes
	GetRecordsAge // of the last record, when it was read
	GetRecordsLatency
	GetRecordsRecords
	GetRecordsSuccess

	// Of shards, beside some of the above, while Monitor has switched them on.

	OutgoingBytes
	OutgoingRecords
	IteratorAge

	// Of consumers.

	SubscribeSuccess
	SubscribeRateExceeded
	EventBytes
	EventBehind
	EventRecords
	EventSuccess

	// Metrics is how many there are.
	Metrics
)

// Recorder makes the samples of streams.
type Recorder interface {
	Stream(name Name) Samples
}

// Samples takes the samples of one stream. They come with every put and read, from many goroutines, so that taking one
// must be quick.
type Samples interface {
	Record(m Metric, v float64)
	RecordShard(shard uint32, m Metric, v float64)
	RecordConsumer(consumer string, m Metric, v float64)
}

// unrecorded is a Recorder, and Samples, for who wants none.
type unrecorded struct{}

func (unrecorded) Stream(Name) Samples                    { return unrecorded{} }
func (unrecorded) Record(Metric, float64)                 {}
func (unrecorded) RecordShard(uint32, Metric, float64)    {}
func (unrecorded) RecordConsumer(string, Metric, float64) {}

// shardLevel says which metrics can be had for each shard, under the names by which they are switched on.
var shardLevel = map[Metric]string{
	IncomingBytes: "IncomingBytes", IncomingRecords: "IncomingRecords", OutgoingBytes: "OutgoingBytes", OutgoingRecords: "OutgoingRecords",
	WriteThroughputExceeded: "WriteProvisionedThroughputExceeded", ReadThroughputExceeded: "ReadProvisionedThroughputExceeded",
	IteratorAge: "IteratorAgeMilliseconds",
}

// recordShard takes a sample of a shard, if it is wanted.
func (l *live) recordShard(shard uint32, m Metric, v float64) {
	if len(l.stream.ShardMetrics) > 0 && slices.Contains(l.stream.ShardMetrics, shardLevel[m]) {
		l.samples.RecordShard(shard, m, v)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func success(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}

// written is what became of the records of a put.
type written struct {
	records, bytes, failed, throttled int
}

// add counts a record of so many bytes.
func (w *written) add(size int, err error) {
	switch {
	case err == nil:
		w.records++
		w.bytes += size
	case errors.Is(err, ErrThroughput):
		w.throttled++
	default:
		w.failed++
	}
}

// recordIncoming takes the samples that all puts have, and returns what became of the records.
func (l *live) recordIncoming(entries []Entry, puts []Put) (all written) {
	for i := range puts {
		all.add(entries[i].size(), puts[i].Err)
	}
	l.samples.Record(IncomingBytes, float64(all.bytes))
	l.samples.Record(IncomingRecords, float64(all.records))
	l.samples.Record(WriteThroughputExceeded, float64(all.throttled))
	if len(l.stream.ShardMetrics) == 0 {
		return all
	}
	shards := map[uint32]*written{}
	for i := range puts {
		w := shards[puts[i].Shard]
		if w == nil {
			w = &written{}
			shards[puts[i].Shard] = w
		}
		w.add(entries[i].size(), puts[i].Err)
	}
	for shard, w := range shards {
		l.recordShard(shard, IncomingBytes, float64(w.bytes))
		l.recordShard(shard, IncomingRecords, float64(w.records))
		l.recordShard(shard, WriteThroughputExceeded, float64(w.throttled))
	}
	return all
}

// recordPut takes the samples of PutRecord.
func (l *live) recordPut(w written, latency time.Duration) {
	l.samples.Record(PutRecordBytes, float64(w.bytes))
	l.samples.Record(PutRecordLatency, milliseconds(latency))
	l.samples.Record(PutRecordSuccess, success(w.records > 0))
}

// recordPuts takes the samples of PutRecords.
func (l *live) recordPuts(w written, latency time.Duration) {
	l.samples.Record(PutRecordsBytes, float64(w.bytes))
	l.samples.Record(PutRecordsLatency, milliseconds(latency))
	l.samples.Record(PutRecordsSuccess, success(w.records > 0))
	l.samples.Record(PutRecordsTotal, float64(w.records+w.failed+w.throttled))
	l.samples.Record(PutRecordsSuccessful, float64(w.records))
	l.samples.Record(PutRecordsFailed, float64(w.failed))
	l.samples.Record(PutRecordsThrottled, float64(w.throttled))
}

// recordGet takes the samples of GetRecords, and of a mapping's reads, which on AWS are calls of GetRecords.
func (l *live) recordGet(shard uint32, b *Batch, began, now time.Time) {
	age, bytes := b.sum(now)
	l.samples.Record(GetRecordsBytes, bytes)
	l.samples.Record(GetRecordsAge, age)
	l.samples.Record(GetRecordsLatency, milliseconds(now.Sub(began)))
	l.samples.Record(GetRecordsRecords, float64(len(b.Records)))
	l.samples.Record(GetRecordsSuccess, 1)
	l.samples.Record(ReadThroughputExceeded, 0)
	l.recordShard(shard, OutgoingBytes, bytes)
	l.recordShard(shard, OutgoingRecords, float64(len(b.Records)))
	l.recordShard(shard, IteratorAge, age)
	l.recordShard(shard, ReadThroughputExceeded, 0)
}

// recordLimited takes the samples of a read that the shard's limits refuse.
func (s *Service) recordLimited(key ShardKey) {
	if l, ok := s.numbered(key.Stream); ok {
		l.samples.Record(GetRecordsSuccess, 0)
		l.samples.Record(ReadThroughputExceeded, 1)
		l.recordShard(key.Index, ReadThroughputExceeded, 1)
	}
}

// sum returns the age of the batch's last record in milliseconds, 0 when there is none, and the bytes of all.
func (b *Batch) sum(now time.Time) (age, bytes float64) {
	for i := range b.Records {
		bytes += float64(b.Records[i].size())
	}
	if n := len(b.Records); n > 0 {
		age = max(0, milliseconds(now.Sub(b.Records[n-1].Arrival)))
	}
	return age, bytes
}

// recordEvent takes the samples of an event that a consumer is handed.
func (l *live) recordEvent(consumer string, b *Batch, now time.Time) {
	_, bytes := b.sum(now)
	l.samples.RecordConsumer(consumer, EventBytes, bytes)
	l.samples.RecordConsumer(consumer, EventRecords, float64(len(b.Records)))
	l.samples.RecordConsumer(consumer, EventBehind, float64(b.MillisBehind))
	l.samples.RecordConsumer(consumer, EventSuccess, 1)
}
