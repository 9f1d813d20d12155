// Package bucket keeps objects in buckets: what S3 keeps, as far as a destination of discarded batches and its readers
// need it.
//
// # How an object lies in the store
//
// Its bytes are cut into chunks, and each chunk is a blob. A chunk begins with some random bytes of its own, so that no
// two chunks are the same blob, whatever was written twice: a blob belongs to one object, or to the code of a function,
// and is never shared. Therefore nothing counts references, and deleting an object may delete its blobs. The row of the
// object names its chunks in order.
//
// # Nothing lost, nothing left over
//
// The table of garbage names the blobs that are part of no object: it names a chunk before the chunk is written, and the
// commit that makes the object visible takes the name out again. The commit that replaces or deletes an object puts the
// names of its chunks in. So each blob is at every moment either named by one object (or one part of an upload), or in the
// table of garbage, whenever the program ends. Run removes what is there, except chunks that are being written and those
// of objects that somebody still reads.
//
// An object is visible as a whole or not at all, and durable before a write of it is acknowledged. The last write wins.
//
// Memory is bounded by Config.Writers chunks, and a few for the house's own writes: those of clients, which may be slow, do
// not keep a failure document out.
package bucket
