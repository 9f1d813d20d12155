package store

import (
	"context"
	"errors"
	"io"
	"iter"
)

// Sentinel errors. Engines wrap them with the operation and its subject; callers test with errors.Is.
var (
	// ErrNotFound says that the named entry, block or blob does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that a precondition of Commit did not hold. Nothing of the commit was applied.
	ErrConflict = errors.New("precondition failed")
	// ErrFull says that the medium has no room. Nothing of the refused write was applied, and what was
	// acknowledged before is safe; reads go on, and writes work again once there is room.
	ErrFull = errors.New("storage is full")
	// ErrCorrupt says that what was read is not what was written. The message names the place.
	ErrCorrupt = errors.New("corrupt data")
	// ErrTooLarge says that a key, a value, a block or a blob is longer than its limit. Nothing was applied.
	ErrTooLarge = errors.New("too large")
	// ErrClosed says that the engine has been closed.
	ErrClosed = errors.New("store is closed")
)

// Store is one engine: logs of blocks, tables of entries, and blobs. All methods may be called at the same time
// from many goroutines. A write that returned nil is durable: it survives the loss of the process and of power.
// A write that returned ErrFull, ErrConflict or ErrTooLarge did not happen; one that returned any other error may or may
// not have, or happen later: it is in doubt (InDoubt). Writes happen in the order in which they were called, so that a
// later one that returned nil ends the doubt: those that had returned before it was called have happened then, or never
// will. Reads show only what is durable: what a reader has seen, no crash takes back.
//
// A context that ends makes a call return its error soon; a write that was under way then goes on by itself.
type Store interface {
	Blocks
	Tables
	Blobs

	// Close waits for calls under way and releases the engine. Calls made later answer ErrClosed. Closing twice is
	// no error. Do not call it from inside a loop over ReadBlocks or Scan: such a loop is a call under way.
	Close() error
}

// LogID names one log. A shard has one: Stream is the number of the stream's incarnation (never used again after the
// stream is deleted), Shard the shard's index in it.
type LogID struct {
	Stream uint64
	Shard  uint32
}

// Block is one entry of a log: what one Append made durable.
type Block struct {
	// Ordinal is the block's place: given by the engine, at least 1, increasing within a log, gaps allowed, never
	// used twice even when blocks were trimmed. It is below 1<<47.
	Ordinal uint64
	// Data is what was appended.
	Data []byte
}

// Draft is a block to be. An engine asks for its content as late as it can without losing time, so that all that comes
// until then is in it: one that is still busy with the write before will ask when that is done.
type Draft interface {
	// Size returns about how many bytes Fill would return now. It is asked before and may be less than Fill returns.
	Size() int
	// Fill returns the block. It is called at most once, when the block's place in its log is fixed, from any goroutine,
	// and may use the processor but wait for nothing. Its error ends the Append, of which nothing then happens. When an
	// Append has returned without having called it, it may still be called later: it should then return an error.
	Fill() ([]byte, error)
}

// Data is a Draft whose content is there from the beginning. It stays the caller's when Append returns.
type Data []byte

// Size implements Draft.
func (d Data) Size() int { return len(d) }

// Fill implements Draft.
func (d Data) Fill() ([]byte, error) { return d, nil }

// Bounds says which blocks a log holds.
type Bounds struct {
	// First is the lowest ordinal held. When the log holds no block, First is greater than Last.
	First uint64
	// Last is the highest ordinal that was ever given out in this log, 0 when none was.
	Last uint64
}

// Empty reports whether the log holds no block.
func (b Bounds) Empty() bool { return b.First > b.Last }

// Blocks keeps logs. A log comes into being with its first block.
type Blocks interface {
	// Append makes what the draft holds durable as the next block of the log and returns its ordinal. Appends share
	// syncs. The next Append to a log may begin as soon as the draft of the one before has been filled, or that one has
	// returned; blocks have the order in which their drafts were filled. A block may be empty and has at most MaxBlock
	// bytes (ErrTooLarge).
	Append(ctx context.Context, log LogID, draft Draft) (ordinal uint64, err error)

	// ReadBlocks yields the log's durable blocks with ordinals >= from, in order, up to what was there when it was
	// called. The block's Data is valid until the next step. It stops after yielding an error.
	ReadBlocks(ctx context.Context, log LogID, from uint64) iter.Seq2[Block, error]

	// Bounds returns the log's bounds; those of a log that never had a block are {First: 1, Last: 0}.
	Bounds(ctx context.Context, log LogID) (Bounds, error)

	// Trim drops the blocks with ordinals < before and lets the engine free their space. Trimming everything keeps
	// the memory of the last ordinal. It works on a full medium too, and so do DropLogs and commits that only delete,
	// unless the medium has no room for even these.
	Trim(ctx context.Context, log LogID, before uint64) error

	// DropLogs removes all logs of a stream with everything known of them. No append to them should be under way:
	// one that is may answer ErrNotFound.
	DropLogs(ctx context.Context, stream uint64) error
}

// Entry is one value of a table.
type Entry struct {
	Key   string
	Value []byte // the caller's own copy
	// Revision changes with every write of the key and never comes back, also after deletion; it is never 0.
	Revision uint64
}

// Absent, as Write.IfRevision, asks that the key does not exist.
const Absent = ^uint64(0)

// Write is one change of a Commit.
type Write struct {
	Table string
	Key   string
	Value []byte // stays the caller's
	// Delete removes the key; deleting an absent key is no error.
	Delete bool
	// IfRevision is the precondition: 0 none, Absent that the key does not exist, otherwise that its revision is
	// this one.
	IfRevision uint64
}

// Tables keeps small values under ordered keys. Keys are byte strings in bytewise order and may hold any byte; the
// empty key is one too. A table's name is 1 to 64 of a-z and '-'. A key has at most MaxKey bytes, a value MaxValue.
type Tables interface {
	// Get returns the entry, or ErrNotFound.
	Get(ctx context.Context, table, key string) (Entry, error)

	// Scan yields the table's entries with from <= key and, unless to is empty, key < to, in order. It sees one
	// state of the table: what was committed when it was called. It stops after yielding an error.
	Scan(ctx context.Context, table, from, to string) iter.Seq2[Entry, error]

	// Commit applies all writes or none and returns when they are durable. ErrConflict when a precondition does not
	// hold; all preconditions are judged on the state before the commit. When a commit names a key twice, the later
	// write stands. Keys and values together have at most MaxCommit bytes.
	Commit(ctx context.Context, writes ...Write) error
}

// BlobID is the SHA-256 of a blob's bytes.
type BlobID [32]byte

// Blobs keeps larger immutable values, addressed by what they hold.
type Blobs interface {
	// PutBlob stores everything that r yields, at most limit bytes (a longer one is an error and leaves nothing
	// behind), and returns its id and length in bytes. Storing the same bytes twice is one blob.
	PutBlob(ctx context.Context, r io.Reader, limit int64) (BlobID, int64, error)

	// OpenBlob returns the blob's bytes, or ErrNotFound. The caller closes it. Reading bytes that do not hash to id
	// ends in ErrCorrupt instead of io.EOF.
	OpenBlob(ctx context.Context, id BlobID) (io.ReadCloser, error)

	// DeleteBlob removes the blob; removing an absent one is no error.
	DeleteBlob(ctx context.Context, id BlobID) error
}
