package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
)

// collectionVersion leads every value of a Collection. A later form gets the next number, and readers then know both.
const collectionVersion = 1

// Collection is one table seen as values of type T: JSON behind a leading version byte, so that a store written by one
// release opens in the next. T's JSON form is therefore part of the store's format: add fields, never change what one
// means.
//
// A Collection holds no state; copies are equal.
type Collection[T any] struct {
	tables Tables
	table  string
}

// Item is one value of a Collection.
type Item[T any] struct {
	Key      string
	Value    T
	Revision uint64
}

// NewCollection returns the collection that lives in the named table.
func NewCollection[T any](t Tables, table string) Collection[T] {
	return Collection[T]{tables: t, table: table}
}

// Get returns the value under the key and its revision, or ErrNotFound. A value that cannot be read is ErrCorrupt.
func (c Collection[T]) Get(ctx context.Context, key string) (T, uint64, error) {
	entry, err := c.tables.Get(ctx, c.table, key)
	if err != nil {
		var none T
		return none, 0, err
	}
	value, err := c.decode(entry)
	return value, entry.Revision, err
}

// Scan yields the items whose keys begin with prefix, in order of their keys; the empty prefix means all. It stops
// after yielding an error.
func (c Collection[T]) Scan(ctx context.Context, prefix string) iter.Seq2[Item[T], error] {
	return c.Range(ctx, prefix, PrefixEnd(prefix))
}

// Range yields the items with from <= key and, unless to is empty, key < to, in order of their keys. It stops after
// yielding an error.
func (c Collection[T]) Range(ctx context.Context, from, to string) iter.Seq2[Item[T], error] {
	return func(yield func(Item[T], error) bool) {
		for entry, err := range c.tables.Scan(ctx, c.table, from, to) {
			if err != nil {
				yield(Item[T]{}, err)
				return
			}
			item, err := c.Decode(entry)
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// Write returns the change that puts the value under the key, to hand to Commit together with others. ifRevision is
// the precondition as in Write.IfRevision.
func (c Collection[T]) Write(key string, value T, ifRevision uint64) (Write, error) {
	return writeOf(c.table, key, value, ifRevision)
}

// writeOf encodes a value of any type: what every Collection does alike is compiled once.
func writeOf(table, key string, value any, ifRevision uint64) (Write, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return Write{}, fmt.Errorf("encode %s %q: %w", table, key, err)
	}
	encoded := make([]byte, 0, 1+len(data))
	encoded = append(append(encoded, collectionVersion), data...)
	return Write{Table: table, Key: key, Value: encoded, IfRevision: ifRevision}, nil
}

// Remove returns the change that deletes the key, to hand to Commit together with others.
func (c Collection[T]) Remove(key string, ifRevision uint64) Write {
	return Write{Table: c.table, Key: key, Delete: true, IfRevision: ifRevision}
}

// Put commits one value and returns when it is durable.
func (c Collection[T]) Put(ctx context.Context, key string, value T, ifRevision uint64) error {
	w, err := c.Write(key, value, ifRevision)
	if err != nil {
		return err
	}
	return c.tables.Commit(ctx, w)
}

// Delete removes the key and returns when that is durable; deleting an absent key is no error.
func (c Collection[T]) Delete(ctx context.Context, key string) error {
	return c.tables.Commit(ctx, c.Remove(key, 0))
}

// Decode returns an entry of the table as an item, for who scans the table in another way than Scan does.
func (c Collection[T]) Decode(entry Entry) (Item[T], error) {
	value, err := c.decode(entry)
	if err != nil {
		return Item[T]{}, err
	}
	return Item[T]{Key: entry.Key, Value: value, Revision: entry.Revision}, nil
}

func (c Collection[T]) decode(entry Entry) (T, error) {
	var value T
	err := decodeInto(&value, c.table, entry)
	return value, err
}

func decodeInto(value any, table string, entry Entry) error {
	if len(entry.Value) == 0 {
		return fmt.Errorf("decode %s %q: %w: no version byte", table, entry.Key, ErrCorrupt)
	}
	if v := entry.Value[0]; v != collectionVersion {
		return fmt.Errorf("decode %s %q: written in version %d, this program reads version %d", table, entry.Key, v, collectionVersion)
	}
	if err := json.Unmarshal(entry.Value[1:], value); err != nil {
		return fmt.Errorf("decode %s %q: %w: %w", table, entry.Key, ErrCorrupt, err)
	}
	return nil
}
