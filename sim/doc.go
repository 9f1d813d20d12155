// Package sim holds the whole house against its promises, under load, disturbance and virtual time. It has no code but
// tests; this page is the promise of durability and order that they keep.
//
// A seed chooses a house (real streams, functions, queues and mappings over the real engine, with neither sockets nor
// processes), producers, mappings of all kinds, and what befalls them. One conductor disturbs, one thing after the other, while
// producers put and lanes deliver. At the end all disturbances are over, and everything must come to its end.
//
// # What is injected
//
//	power       fails at any operation of the disk, before and after any invocation, as the program opens its store and its rooms, or
//	            at any other moment; what was not synced is lost, or kept in pieces
//	disk        is slow; has no room for a while; fails to sync, after which the program is started anew
//	program     stops in order and starts again, under load
//	clock       jumps forward, by seconds or by hours
//	functions   report errors, crash, time out, vanish before they see their event, do not start, answer garbage, name
//	            records that were not theirs, answer too much; are throttled, deleted and made again, updated
//	shards      split, merge, change in number; streams are deleted and made again; records expire, for a longer or a shorter time; blocks are encrypted, or not
//	mappings    read by iterators and for consumers, record by record or by tumbling windows, come and go, are disabled, enabled, and changed in every setting, their function included
//	queue       is deleted with what it holds, and made again
//
// Not injected: damage at rest, which store/disk is tested for; the loss of what the disk said it had synced; a clock that goes
// back, which the rooms' own tests have; a window whose state is too large, of which the stories of package mapping are the proof; two
// programs on one disk.
//
// # What must be survived, and how
//
//   - A put that was acknowledged can be read, at the place that its sequence number says, once, until it expires. So can
//     whatever has been read or delivered before: no crash takes back what somebody has seen.
//   - A record that was not acknowledged may be there or not. It is never there twice.
//   - A key's records begin to be delivered in the order of their puts. None is delivered before all earlier ones of its key
//     have ended, and none of a shard before all of the shards that it came from have.
//   - Every record ends in one way for each mapping: it is delivered, passed over by the filters, given up with a document that
//     tells of it and why, or expired. A document is in the queue once that has acknowledged it; one that the queue refuses three
//     times is dropped, and nobody else is held up.
//   - Only a crash lets a record that has ended be dealt with again, and each crash one batch of a lane at the most. Stops in
//     order, changes and new shards repeat nothing. Which records those are is read from the checkpoints that a life has
//     left: what they cover never comes again.
//   - The state of a tumbling window tells of every record that was delivered in it, once, and comes to one final invocation, whatever crashes.
//     Before the final invocation of a shard nothing of the shards that came from it is delivered.
//   - A change of which the disk could not say whether it was made is there soon after, or never will be.
//   - Checkpoints do not go back.
//   - A batch fails no more often than its mapping allows, and nothing is given up before its time.
//   - When a mapping was reported as Disabled, or is not found any more, it invokes nothing.
//   - An instance has one invocation at a time. When a house has stopped no goroutine, no instance and no byte read ahead is left.
//
// # How to see it again
//
// `go run ./sim/replay -seed 1 -seeds 2000` runs so many seeds, each of which is then all that its run depends on: a seed that fails prints
// its story, fails again, and at the same operation of the disk. CI runs 2,000, the first 20 of them twice, some three minutes of two
// processors. `-minutes M` goes on for so long; do this before what the house promises is touched.
//
// `go test ./sim` runs 60 seeds, and 8 under the race detector, on the usual runtime, which interrupts goroutines where it likes and collects
// garbage. There a seed replays what is chosen, not which goroutine comes first.
package sim
