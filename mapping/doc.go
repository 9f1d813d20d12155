// Package mapping leads the records of streams to the functions that are mapped to them: Lambda's event source
// mappings.
//
// A Service keeps the mappings. While it runs, each mapping has a runner, which leads it through its states. While a
// mapping is Enabled, its runner has a reading: one pass over one incarnation of the stream. The reading gives each
// shard whose parents are done a reader, and the reader hands every record to one of the shard's lanes, by the record's
// hash key. When the mapping's settings change, each shard gets another reader as soon as its own has come to rest. What follows is one step a file:
//
//	intake   records come from an iterator, as they are put or polled for, or from the subscriptions of a consumer
//	unpack   a consumer's records are taken apart where a producer has aggregated them
//	sieve    records that no filter matches are passed over
//	gather   records of a lane become a batch: BatchSize, the window, the length of the event, or the shard's end
//	attempt  the batch becomes an event, and the event an invocation with an outcome
//	response what the function answered becomes part of that outcome, where it counts
//	verdict  the outcome becomes actions; this is a pure function, and nothing else decides
//	giveup   records that will not be tried again are told of at the on-failure destination
//	settle   the checkpoint moves, and with it the state of the tumbling window
//	window   a window that is over is closed by an invocation of its own
//
// What happens to a batch is reported, as it happens, to the trail of the batch in package history, and records that are
// given up are stored there in the commit of the checkpoint that passes them. Nothing is decided by what is kept there.
//
// # What is promised
//
// Order: the records of a lane, and so those of a partition key, reach the function in their order. A batch that fails
// holds up its lane and nothing else. The children of a shard wait for its last record.
//
// At least once, and little more: the checkpoint behind a batch is durable before the next batch of its lane is handed
// to the function. After a crash a lane repeats at most the batch that it had in flight. A mapping that is changed,
// disabled or stopped in order repeats nothing that was delivered, a changed ParallelizationFactor included.
//
// Checkpoints never go back. A checkpoint is a fact about a sector of a shard, namely that all of its records up to a
// position are done, and such a fact never becomes false. It carries the number of the stream's incarnation, so that it
// says nothing of a stream that was deleted and created again.
//
// Nothing waits by asking again, unless Config.Polled says so. An idle shard is a goroutine in Source.Wait; its lanes have
// none. Only a stream or a consumer that is gone, and a subscription that another has, are asked for now and then.
//
// Memory is bounded: by Config.BufferBytes over all lanes, beside one small chunk and the state of one tumbling window
// that each may always hold; and by Config.HistoryBytes for what is remembered of batches that are done.
//
// # How it stops
//
// Two contexts go down through the calls: ctx ends when nothing new may begin (the mapping was disabled, changed or
// deleted, or the Service is to stop), and grace, which outlives it, when what is in flight is abandoned. An invocation
// in flight when ctx ends is waited for, and its checkpoint counts.
package mapping
