// Package store is what the rooms ask of storage, in three short parts.
//
//   - Blocks: a log per shard, and in it blocks. A block is what one sync made durable; the engine gives it an ordinal.
//   - Tables: small values under ordered keys, changed in atomic commits with preconditions. Collection reads and
//     writes them as typed values.
//   - Blobs: larger immutable values, addressed by the hash of what they hold.
//
// An engine implements Store. One lives in store/disk (embedded; in memory or on disk by configuration), and
// store/storetest is the suite that every engine passes. What records, sequence numbers, retention and checkpoints are
// is not known here: those are rules, written once above.
//
// Four promises carry everything above:
//
//   - A write that returned nil is durable, and stays so through the loss of the process or of power.
//   - Readers see only what is durable. Nothing that was once read, or that made a commit conflict, is taken back by
//     a crash.
//   - Ordinals of a log and revisions of a key never come back with another meaning.
//   - What was read is what was written, or ErrCorrupt names the place. Never silence.
package store
