package queue

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// dedupWindow is how long a FIFO queue knows a send again, in milliseconds.
const dedupWindow = 5 * 60 * 1000

// contentID is the deduplication id of a message that has none of its own, in a queue with content-based deduplication.
func contentID(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// dedupKey says by what a send is known again: its deduplication id, and its group too when the queue's scope says so.
// Rows of one window's length lie together, so that they are cleared up by a short scan.
type dedupKey [16]byte

func newDedupKey(s Settings, c *content) dedupKey {
	scope := ""
	if s.DeduplicateGroups {
		scope = c.group
	}
	sum := sha256.Sum256([]byte(scope + "\x00" + c.dedup))
	return dedupKey(sum[:16])
}

func (k dedupKey) row(queue uint64, period int64) string {
	b := make([]byte, 0, 32)
	return string(append(appendNumber(appendNumber(b, queue), uint64(period)), k[:]...))
}

// remembered is an earlier send.
type remembered struct {
	sent   int64
	number uint64
	id     [16]byte
}

func (r remembered) encode() []byte {
	b := make([]byte, 0, 33)
	b = appendNumber(appendNumber(append(b, rowVersion), uint64(r.sent)), r.number)
	return append(b, r.id[:]...)
}

func decodeRemembered(b []byte) (remembered, error) {
	if len(b) != 33 || b[0] != rowVersion {
		return remembered{}, fmt.Errorf("deduplication: %w", errRow)
	}
	return remembered{
		sent: int64(binary.BigEndian.Uint64(b[1:])), number: binary.BigEndian.Uint64(b[9:]), id: [16]byte(b[17:]),
	}, nil
}

// recall looks for an earlier send of the same within the window.
func (q *queue) recall(ctx context.Context, k dedupKey, now int64) (remembered, bool, error) {
	for _, period := range []int64{now / dedupWindow, now/dedupWindow - 1} {
		row, err := q.tables.Get(ctx, tableDedup, k.row(q.number, period))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return remembered{}, false, fmt.Errorf("look for an earlier send: %w", err)
		}
		r, err := decodeRemembered(row.Value)
		if err != nil {
			return remembered{}, false, corrupt(tableDedup, q.number, 0, err)
		}
		if r.sent > now-dedupWindow {
			return r, true, nil
		}
	}
	return remembered{}, false, nil
}

// forgetSends deletes a batch of the rows of sends that need not be known again.
func (q *queue) forgetSends(ctx context.Context) error {
	q.mu.Lock()
	now := q.now()
	due := q.remembered
	if due < never && now < due {
		q.chores.set(q, due)
	}
	q.mu.Unlock()
	if now < due {
		return nil
	}
	writes, left, err := q.oldSends(ctx, now/dedupWindow-1)
	if err == nil && len(writes) > 0 {
		err = q.tables.Commit(ctx, writes...)
	}
	if err != nil {
		return fmt.Errorf("forget sends: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(writes) == choreBatch:
		q.chores.set(q, now)
	case left:
		q.remembered = (now/dedupWindow + 1) * dedupWindow
		q.chores.set(q, q.remembered)
	default:
		q.remembered = never
	}
	return nil
}

// oldSends are deletions for sends of before the period, a batch at most, and whether there are later ones.
func (q *queue) oldSends(ctx context.Context, period int64) (writes []store.Write, left bool, _ error) {
	prefix := queuePrefix(q.number)
	recent := string(appendNumber([]byte(prefix), uint64(period)))
	for row, err := range q.tables.Scan(ctx, tableDedup, prefix, store.PrefixEnd(prefix)) {
		if err != nil {
			return nil, false, err
		}
		if row.Key >= recent {
			return writes, true, nil
		}
		writes = append(writes, store.Write{Table: tableDedup, Key: row.Key, Delete: true})
		if len(writes) == choreBatch {
			break
		}
	}
	return writes, false, nil
}

// rememberLocked makes the appointment for forgetting the sends of this moment.
func (q *queue) rememberLocked(now int64) {
	if q.remembered == never {
		q.remembered = (now/dedupWindow + 2) * dedupWindow
		q.chores.set(q, q.remembered)
	}
}
