package server

import (
	"github.com/millrace/millrace/stream"
)

// streamMeasures are the metrics of a stream, shardMeasures those of a shard, consumerMeasures those of a consumer.
var (
	streamMeasures = measures(stream.Metrics, map[int]measure{
		int(stream.IncomingBytes):           {"IncomingBytes", unitBytes},
		int(stream.IncomingRecords):         {"IncomingRecords", unitCount},
		int(stream.WriteThroughputExceeded): {"WriteProvisionedThroughputExceeded", unitCount},
		int(stream.ReadThroughputExceeded):  {"ReadProvisionedThroughputExceeded", unitCount},
		int(stream.PutRecordBytes):          {"PutRecord.Bytes", unitBytes},
		int(stream.PutRecordLatency):        {"PutRecord.Latency", unitMilliseconds},
		int(stream.PutRecordSuccess):        {"PutRecord.Success", unitCount},
		int(stream.PutRecordsBytes):         {"PutRecords.Bytes", unitBytes},
		int(stream.PutRecordsLatency):       {"PutRecords.Latency", unitMilliseconds},
		int(stream.PutRecordsSuccess):       {"PutRecords.Success", unitCount},
		int(stream.PutRecordsTotal):         {"PutRecords.TotalRecords", unitCount},
		int(stream.PutRecordsSuccessful):    {"PutRecords.SuccessfulRecords", unitCount},
		int(stream.PutRecordsFailed):        {"PutRecords.FailedRecords", unitCount},
		int(stream.PutRecordsThrottled):     {"PutRecords.ThrottledRecords", unitCount},
		int(stream.GetRecordsBytes):         {"GetRecords.Bytes", unitBytes},
		int(stream.GetRecordsAge):           {"GetRecords.IteratorAgeMilliseconds", unitMilliseconds},
		int(stream.GetRecordsLatency):       {"GetRecords.Latency", unitMilliseconds},
		int(stream.GetRecordsRecords):       {"GetRecords.Records", unitCount},
		int(stream.GetRecordsSuccess):       {"GetRecords.Success", unitCount},
	})
	shardMeasures = measures(stream.Metrics, map[int]measure{
		int(stream.IncomingBytes):           {"IncomingBytes", unitBytes},
		int(stream.IncomingRecords):         {"IncomingRecords", unitCount},
		int(stream.OutgoingBytes):           {"OutgoingBytes", unitBytes},
		int(stream.OutgoingRecords):         {"OutgoingRecords", unitCount},
		int(stream.WriteThroughputExceeded): {"WriteProvisionedThroughputExceeded", unitCount},
		int(stream.ReadThroughputExceeded):  {"ReadProvisionedThroughputExceeded", unitCount},
		int(stream.IteratorAge):             {"IteratorAgeMilliseconds", unitMilliseconds},
	})
	consumerMeasures = measures(stream.Metrics, map[int]measure{
		int(stream.SubscribeSuccess):      {"SubscribeToShard.Success", unitCount},
		int(stream.SubscribeRateExceeded): {"SubscribeToShard.RateExceeded", unitCount},
		int(stream.EventBytes):            {"SubscribeToShardEvent.Bytes", unitBytes},
		int(stream.EventBehind):           {"SubscribeToShardEvent.MillisBehindLatest", unitMilliseconds},
		int(stream.EventRecords):          {"SubscribeToShardEvent.Records", unitCount},
		int(stream.EventSuccess):          {"SubscribeToShardEvent.Success", unitCount},
	})
)

// streamSamples are the meters of a stream: its own, those of its shards, and those of its consumers.
type streamSamples struct {
	own       func() meters
	shards    families[uint32]
	consumers families[string]
}

// Stream implements stream.Recorder.
func (r recorder) Stream(n stream.Name) stream.Samples {
	s := &streamSamples{own: r.later(n.Account, n.Region, namespaceKinesis, streamMeasures, "StreamName", n.Name)}
	s.shards.open = func(shard uint32) meters {
		return r.meters(n.Account, n.Region, namespaceKinesis, shardMeasures, "StreamName", n.Name, "ShardId", stream.ShardID(shard))
	}
	s.consumers.open = func(consumer string) meters {
		return r.meters(n.Account, n.Region, namespaceKinesis, consumerMeasures, "StreamName", n.Name, "ConsumerName", consumer)
	}
	return s
}

// Record implements stream.Samples.
func (s *streamSamples) Record(m stream.Metric, v float64) { s.own().record(int(m), v) }

// RecordShard implements stream.Samples.
func (s *streamSamples) RecordShard(shard uint32, m stream.Metric, v float64) {
	s.shards.of(shard).record(int(m), v)
}

// RecordConsumer implements stream.Samples.
func (s *streamSamples) RecordConsumer(consumer string, m stream.Metric, v float64) {
	s.consumers.of(consumer).record(int(m), v)
}
