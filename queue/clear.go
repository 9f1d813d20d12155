package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/store"
)

// sweepPurged deletes a batch of the rows that a purge left.
func (q *queue) sweepPurged(ctx context.Context) error {
	q.mu.Lock()
	sweep, swept, purged := q.sweep, q.swept, q.def.PurgedThrough
	q.mu.Unlock()
	if !sweep {
		return nil
	}
	var writes []store.Write
	prefix, found := queuePrefix(q.number), 0
	from := max(prefix, swept)
	for row, err := range q.tables.Scan(ctx, tableHeaders, from, store.PrefixEnd(prefix)) {
		f, err := parseHeader(row, err)
		if err != nil {
			return fmt.Errorf("sweep purged messages: %w", err)
		}
		if f.number > purged {
			continue
		}
		if found == choreBatch {
			break
		}
		found++
		swept = row.Key
		t := trash{position: f.position, header: true, body: true, receive: true}
		writes = append(writes, t.writes(q.number)...)
	}
	if found > 0 {
		if err := q.tables.Commit(ctx, writes...); err != nil {
			return fmt.Errorf("sweep purged messages: %w", err)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.def.PurgedThrough == purged {
		q.sweep, q.swept = found == choreBatch, swept
	}
	if q.sweep {
		q.chores.set(q, q.now())
	}
	return nil
}

// vanish ends the queue in memory: who waits is sent away, and Run clears up the rows.
func (q *queue) vanish(now int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gone = true
	q.emptyLocked()
	q.trash = nil
	for q.line.Len() > 0 {
		q.releaseLocked(q.line.Front().Value.(*waiter))
	}
	q.chores.set(q, now)
}

// clear deletes a batch of a deleted queue's rows. When all are gone it forgets the queue, though not before its name
// may be used again.
func (s *Service) clear(ctx context.Context, q *queue) error {
	q.mu.Lock()
	sending, swept := q.sending, q.swept
	q.mu.Unlock()
	if sending > 0 { // what they write would be left behind
		s.chores.set(q, s.now()+settleDelay.Milliseconds())
		return nil
	}
	prefix := queuePrefix(q.number)
	writes, err := s.leftovers(ctx, prefix, swept)
	if err != nil {
		return fmt.Errorf("clear up a deleted queue: %w", err)
	}
	if len(writes) > 0 {
		if err := s.tables.Commit(ctx, writes...); err != nil {
			return fmt.Errorf("clear up a deleted queue: %w", err)
		}
		last := writes[len(writes)-1]
		q.mu.Lock()
		q.swept = last.Table + last.Key
		q.mu.Unlock()
		s.chores.set(q, s.now())
		return nil
	}
	record, _, err := s.drops.Get(ctx, prefix)
	if errors.Is(err, store.ErrNotFound) {
		return nil // all was done before
	}
	if err != nil {
		return fmt.Errorf("clear up a deleted queue: %w", err)
	}
	if free := record.Deleted + s.recreateDelay.Milliseconds(); free > s.now() {
		s.chores.set(q, free)
		return nil
	}
	return s.drops.Delete(ctx, prefix)
}

// leftovers are deletions for a batch of a deleted queue's rows. It goes on where the last batch ended, since the store
// would otherwise pass over all that was deleted before.
func (s *Service) leftovers(ctx context.Context, prefix, swept string) ([]store.Write, error) {
	var writes []store.Write
	reached := swept == ""
	for _, table := range []string{tableHeaders, tableBodies, tableReceives, tableDedup, tableTasks} {
		from := prefix
		if done, ok := strings.CutPrefix(swept, table); ok {
			from, reached = done, true
		}
		if !reached {
			continue
		}
		for row, err := range s.tables.Scan(ctx, table, from, store.PrefixEnd(prefix)) {
			if err != nil {
				return nil, err
			}
			writes = append(writes, store.Write{Table: table, Key: row.Key, Delete: true})
			if len(writes) == choreBatch {
				return writes, nil
			}
		}
	}
	return writes, nil
}

// parseQueuePrefix reads back what queuePrefix wrote.
func parseQueuePrefix(key string) uint64 { return binary.BigEndian.Uint64([]byte(key)) }
