// Package history keeps what befell the batches of event source mappings, for those who ask later.
//
// There are two kinds of memory. A Recorder holds the trail of every recent batch: which records it was made of, each
// attempt with its request id, outcome and log, the waits between them, what it was split into, and what became of it. It
// is memory, bounded over all mappings, and gone when the program ends. A Shelf holds the discarded batches of one
// mapping with their records, durably: it is written in the commit of the checkpoint that passes them, so that a record
// that was given up is on the shelf exactly when the lane does not come back to it. It is bounded too, the oldest give
// way, and goes with its mapping.
//
// Nothing here decides anything. A lane reports facts; how it goes on does not depend on them. What is reported for a
// batch is of constant size: nothing is done for each of its records until they are given up.
//
// The JSON of Batch and Discarded is what the pages under /_millrace/ show, and that of Discarded and Record is part of
// the store's format: fields are added, and never change what they mean.
package history
