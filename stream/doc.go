// Package stream is the room of the data streams: it takes records, keeps them in order for as long as they are
// retained, and gives them out again.
//
// A stream has shards, each the owner of a range of hash keys. A shard is a log of blocks in the store: a block is
// what one commit made durable. A record's Position is its block's ordinal and its offset there, and its sequence
// number encodes that position, so that both order alike and the number is read back without a look-up.
//
// The way of a record: Put (put.go) sends each entry to the shard of its hash key. There the appender (appender.go)
// gathers what waits into one block, appends it, and answers all whose entries were in it; there is no goroutine and
// no timer per shard. The block then is in the tail (tail.go), where readers at the tip find it, and those who wait
// are woken. Read (reader.go) serves from the tail or, further back, from the store. Seek (seek.go) turns a starting
// position into a cursor; an iterator (iterator.go) is a cursor that a client carries. A consumer (consumer.go) reads
// through subscriptions (subscription.go), to which the shard's commits push; seats.go has the rules of who may have one,
// registration.go makes consumers come and go. Streams come and go in lifecycle.go, what changes them is in change.go and
// what becomes of their shards then in reshaping.go, records expire in sweep.go. Tags and policies are attached to
// streams and consumers by ARN (resource.go). A stream that encrypts has its blocks encrypted on their way to the store
// (cipher.go): nobody else knows. With Config.ShardLimits a shard takes and gives no more than AWS's (rate.go says how much,
// throughput.go and pace.go when); what the house itself reads with Read is not limited.
//
// Invariants:
//
//   - A put that was answered without an error is durable.
//   - Records become visible in the order of their numbers: a reader at the tip never sees a number appear behind it.
//   - The entries that one put has for a shard are neighbours there, in the order of the put.
//   - The open shards cover the space of hash keys, each key once. All that was acknowledged in a shard lies before its
//     end, and is written before anything of its children.
//   - Arrival never goes back within a shard, neither in its records nor over a restart, and never lies before the
//     shard's creation. A search by time is therefore a binary search over blocks.
//   - A record that has expired is never read, however late its block is dropped, nor when the retention becomes longer
//     afterwards; one that has not is never dropped.
//   - The number of a stream's incarnation is never used twice, so that what belonged to a deleted stream fits no other.
//   - A consumer has one subscription to a shard. What one has handed out, a new one that goes on from its continuation
//     does not hand out again, and it leaves nothing out.
//   - Memory is bounded: queues by bytes per shard, the tail by bytes over all, a read by its limits.
//
// An on-demand stream begins with four shards, which split under load (load.go). They are not merged again.
package stream
