package store

// Limits of what one call may hand in, in bytes. They bound what an engine keeps in memory for a write, and are what
// every engine can carry.
const (
	// MaxBlock is the most that one block holds.
	MaxBlock = 32 << 20
	// MaxKey is the longest key of a table.
	MaxKey = 4 << 10
	// MaxValue is the longest value of a table.
	MaxValue = 8 << 20
	// MaxCommit is the most that the keys and values of one commit hold together.
	MaxCommit = 32 << 20
)
