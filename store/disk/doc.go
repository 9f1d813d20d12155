// Package disk is the embedded engine of the store: one Pebble database for blocks and tables, and a folder of files for
// blobs. Memory mode is the same engine on a file system in memory.
//
// All writes pass through one pipeline (journal.go) that hands batches to Pebble in one order and lets all that gather
// during a sync share the next one. Blocks are values of their own under the log's key and an ordinal (block.go, key.go),
// tables are keys (table.go), blobs are files named by what they hold (blob.go).
//
// Invariants:
//
//   - A write that was answered without an error is durable, and becomes so in the order of the queue.
//   - Readers are shown only what is durable: what a reader has seen, no crash takes back.
//   - What is read is what was written, or it is store.ErrCorrupt: every value carries a checksum over itself and its key
//     (seal.go), the log's own records are marked so that a hole in them is noticed (scan.go, chunk.go), and the files that
//     the engine rests on are verified when it is opened.
//   - No failing disk ends the process (guard.go). A full one refuses writes until there is room (space.go), with a ballast
//     kept aside so that deleting goes on; any other failure ends writing for good, while reads go on.
//   - Memory is bounded: what is under way by the gate (gate.go), what is cached by its options.
package disk
