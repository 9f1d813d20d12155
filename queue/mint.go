package queue

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace/millrace/store"
)

// Keys of the room's own table.
const (
	roomEpoch = "epoch"
	roomKey   = "receipt-key"
)

// epochBits is how many numbers an epoch has, as a power of two. There is one epoch for every start, and a further one
// should the numbers of one be used up.
const epochBits = 40

// mint gives out numbers that were never given out before, in increasing order, and keeps the key that signs receipt
// handles. Its first use after a start opens an epoch, which costs one commit; numbers then cost nothing. Opening is
// left to the first use so that a room starts on a full disk too.
type mint struct {
	tables store.Tables
	gate   chan struct{} // held by the one that opens an epoch

	mu   sync.Mutex
	key  []byte // nil until there is one
	next uint64
	end  uint64 // the first number of the next epoch
}

// newMint reads what the store knows. It writes nothing.
func newMint(ctx context.Context, t store.Tables) (*mint, error) {
	m := &mint{tables: t, gate: make(chan struct{}, 1)}
	entry, err := t.Get(ctx, tableRoom, roomKey)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return nil, fmt.Errorf("read the key of receipt handles: %w", err)
	case len(entry.Value) != 1+keyBytes || entry.Value[0] != rowVersion:
		return nil, fmt.Errorf("read the key of receipt handles: %w: %w", store.ErrCorrupt, errRow)
	default:
		m.key = entry.Value[1:]
	}
	return m, nil
}

// take returns the first of n consecutive numbers.
func (m *mint) take(ctx context.Context, n int) (uint64, error) {
	for {
		m.mu.Lock()
		if m.next != 0 && m.end-m.next >= uint64(n) {
			first := m.next
			m.next += uint64(n)
			m.mu.Unlock()
			return first, nil
		}
		m.mu.Unlock()
		if err := m.open(ctx, n); err != nil {
			return 0, err
		}
	}
}

// signingKey returns the key of receipt handles, or nil when there is none yet, in which case no handle was ever made.
func (m *mint) signingKey() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.key
}

// open begins a new epoch, and makes the key when there is none.
func (m *mint) open(ctx context.Context, n int) error {
	select {
	case m.gate <- struct{}{}:
		defer func() { <-m.gate }()
	case <-ctx.Done():
		return ctx.Err()
	}
	m.mu.Lock()
	opened, key := m.next != 0 && m.end-m.next >= uint64(n), m.key
	m.mu.Unlock()
	if opened {
		return nil
	}
	epoch, revision, err := m.epoch(ctx)
	if err != nil {
		return err
	}
	epoch++
	writes := []store.Write{{
		Table: tableRoom, Key: roomEpoch, IfRevision: revision, Value: appendNumber([]byte{rowVersion}, epoch),
	}}
	if key == nil {
		key = make([]byte, keyBytes)
		if _, err := rand.Read(key); err != nil {
			return fmt.Errorf("make the key of receipt handles: %w", err)
		}
		writes = append(writes, store.Write{
			Table: tableRoom, Key: roomKey, IfRevision: store.Absent, Value: append([]byte{rowVersion}, key...),
		})
	}
	if err := m.tables.Commit(context.WithoutCancel(ctx), writes...); err != nil {
		return fmt.Errorf("open epoch %d of message numbers: %w", epoch, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.key, m.next, m.end = key, epoch<<epochBits, (epoch+1)<<epochBits
	return nil
}

// epoch returns the latest epoch and the precondition for replacing it.
func (m *mint) epoch(ctx context.Context) (epoch, revision uint64, err error) {
	entry, err := m.tables.Get(ctx, tableRoom, roomEpoch)
	if errors.Is(err, store.ErrNotFound) {
		return 0, store.Absent, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read the epoch of message numbers: %w", err)
	}
	if len(entry.Value) != 9 || entry.Value[0] != rowVersion {
		return 0, 0, fmt.Errorf("read the epoch of message numbers: %w: %w", store.ErrCorrupt, errRow)
	}
	return binary.BigEndian.Uint64(entry.Value[1:]), entry.Revision, nil
}
