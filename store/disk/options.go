package disk

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options configure a store. The zero value of each field but Dir is a sound choice.
type Options struct {
	// Dir is the directory that holds everything; it is made when absent. Unused when Memory is set.
	Dir string
	// Memory keeps everything in memory and forgets it at Close. It is the same engine over a file system in memory.
	Memory bool
	// FS is the file system to live in; nil is the machine's, or a fresh one in memory when Memory is set. Tests hand
	// in one that crashes, fills up or dawdles.
	FS vfs.FS
	// Log gets what the engine has to say: its own doings at debug, trouble at warn and above. Nil discards it.
	Log *slog.Logger
	// CacheBytes bounds the cache of what was read from disk; 0 is 8 MiB. What the newest readers need is cached
	// above the store, so a small cache does.
	CacheBytes int64
	// MemtableBytes is how much is gathered in memory before it is written out in order; 0 is 16 MiB. Memory grows to
	// it only under load.
	MemtableBytes int64
	// ReserveBytes is the free space below which writes are refused; 0 is 256 MiB or a sixteenth of the disk,
	// whichever is less. Negative switches the check off.
	ReserveBytes int64
	// BallastBytes is the size of a file that only holds space, to be given up when the disk is full after all; 0 is
	// 64 MiB or a sixty-fourth of the disk, whichever is less. Negative means none. In memory there is none.
	BallastBytes int64
	// TrimDelay is how long a trim may wait for others before the space of all is given back together; 0 is 10 s. Negative leaves that to
	// the next time that memory is written out.
	TrimDelay time.Duration
	// RetryInterval is how often a write that found no room is tried again, and how often the store looks whether
	// there is room while it refuses writes; 0 is 100 ms.
	RetryInterval time.Duration

	eager bool // compact and rewrite files of values whenever that is possible, for tests
}

const (
	defaultCacheBytes    = 8 << 20
	defaultMemtableBytes = 16 << 20
	defaultRetryInterval = 100 * time.Millisecond
	defaultTrimDelay     = 10 * time.Second

	// maxBytesUnderWay bounds the writes that are taken in and not durable yet. Each is in memory twice: as its caller has it, and
	// in a batch.
	maxBytesUnderWay = 32 << 20

	// maxBytesTogether bounds what late writes add up to that are applied together.
	maxBytesTogether = 16 << 20

	// largeBytes is the size from which a block is not worth waiting for more.
	largeBytes = 64 << 10

	// separatedBytes is the size from which a value lives apart from its key, in a file that compactions do not
	// rewrite. Nearly all blocks are larger, nearly all table entries smaller.
	separatedBytes = 512

	// tableBytes is the size of a table with its values at the top level, and maxTableBytes that of those below. A file
	// of values is no larger, and is held in memory while it is rewritten.
	tableBytes    = 16 << 20
	maxTableBytes = 32 << 20
)

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
		if o.Memory {
			o.FS = vfs.NewMem()
		}
	}
	if o.Memory && o.Dir == "" {
		o.Dir = "/store"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.RetryInterval == 0 {
		o.RetryInterval = defaultRetryInterval
	}
	if o.TrimDelay == 0 {
		o.TrimDelay = defaultTrimDelay
	}
	if o.MemtableBytes == 0 {
		o.MemtableBytes = defaultMemtableBytes
	}
	return o
}

// pebbleOptions configures the engine below.
func pebbleOptions(o Options, fs *guard, logger *pebbleLog) *pebble.Options {
	p := &pebble.Options{
		FS:                          fs,
		CacheSize:                   o.CacheBytes,
		FormatMajorVersion:          pebble.FormatValueSeparation,
		MemTableSize:                uint64(o.MemtableBytes),
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		MaxOpenFiles:                512,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		FlushDelayDeleteRange:       max(o.TrimDelay, 0),
		Logger:                      logger,
		EventListener:               logger.listener(&fs.rewrites),
	}
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	p.Experimental.FileCacheShards = 2
	// A table's size counts what its values take elsewhere. With Pebble's 2 MiB a table would hold four blocks.
	p.TargetFileSizes[0] = tableBytes
	for level := 1; level < len(p.TargetFileSizes); level++ {
		p.TargetFileSizes[level] = maxTableBytes
	}
	policy := pebble.ValueSeparationPolicy{
		Enabled:               true,
		MinimumSize:           separatedBytes,
		MaxBlobReferenceDepth: 10,
		RewriteMinimumAge:     5 * time.Minute,
		TargetGarbageRatio:    0.3,
	}
	if o.eager {
		p.FlushDelayDeleteRange = time.Millisecond
		p.L0CompactionThreshold = 1
		policy.MaxBlobReferenceDepth = 2
		policy.RewriteMinimumAge = 0
		policy.TargetGarbageRatio = 0.01
	}
	p.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy { return policy }
	p.Experimental.EnableDeleteOnlyCompactionExcises = func() bool { return true }
	return p
}
