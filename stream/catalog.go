package stream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/millrace/millrace/store"
)

// catalog is what the store's tables hold of the room: the streams, the number of the next one, and the key of the
// tokens.
type catalog struct {
	tables    store.Tables
	streams   store.Collection[streamDocument]     // by account, region and name
	resources store.Collection[resourceDocument]   // see resourceKey
	accounts  store.Collection[commitmentDocument] // by account and region
	state     store.Collection[stateDocument]      // by the names below
}

const (
	stateNumber = "next-number"
	stateKey    = "token-key"
)

// stateDocument is one fact about the room as a whole.
type stateDocument struct {
	Number uint64 `json:"number,omitempty"`
	Key    []byte `json:"key,omitempty"`
}

// streamDocument is a stream in the store. Its JSON form is part of the store's format.
type streamDocument struct {
	Number         uint64          `json:"number"`
	Status         Status          `json:"status"`
	Since          time.Time       `json:"since"`
	Mode           Mode            `json:"mode"`
	Created        time.Time       `json:"created"`
	Retention      int64           `json:"retention_seconds"`
	MaxRecordBytes int             `json:"max_record_bytes"`
	Asked          int             `json:"asked_shards"`
	KeyID          string          `json:"key_id,omitempty"`
	Secret         []byte          `json:"secret,omitempty"`
	ShardMetrics   []string        `json:"shard_metrics,omitempty"`
	WarmMiBps      int             `json:"warm_mibps,omitempty"`
	Trimmed        time.Time       `json:"trimmed,omitzero"`
	Shards         []shardDocument `json:"shards,omitempty"`
	Change         *change         `json:"change,omitempty"`
	Requests       requests        `json:"requests,omitempty"`
}

// shardDocument is a shard in the store. Times are in seconds since 1970, Closed is 0 for an open shard.
type shardDocument struct {
	Index          uint32     `json:"i"`
	Start          storedHash `json:"s"`
	End            storedHash `json:"e"`
	Parent         int64      `json:"p"`
	AdjacentParent int64      `json:"a"`
	Created        int64      `json:"c"`
	Closed         int64      `json:"x,omitempty"`
}

// storedHash is a hash key as 32 hexadecimal digits.
type storedHash Hash

func (h storedHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

func (h *storedHash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("hash key %q", text)
	}
	_, err := hex.Decode(h[:], text)
	return err
}

func newCatalog(t store.Tables) catalog {
	return catalog{
		tables:    t,
		streams:   store.NewCollection[streamDocument](t, "streams"),
		resources: store.NewCollection[resourceDocument](t, "stream-resources"),
		accounts:  store.NewCollection[commitmentDocument](t, "stream-accounts"),
		state:     store.NewCollection[stateDocument](t, "stream-state"),
	}
}

func catalogKey(n Name) string { return store.Key(n.Account, n.Region, n.Name) }

// nextNumber returns the number that the next stream is to have.
func (c catalog) nextNumber(ctx context.Context) (uint64, error) {
	d, _, err := c.state.Get(ctx, stateNumber)
	if errors.Is(err, store.ErrNotFound) {
		return 1, nil
	}
	return d.Number, err
}

// tokenKey returns the key that tokens are sealed with. The first call makes it.
func (c catalog) tokenKey(ctx context.Context) ([]byte, error) {
	d, _, err := c.state.Get(ctx, stateKey)
	if !errors.Is(err, store.ErrNotFound) {
		return d.Key, err
	}
	d.Key = make([]byte, sealKeyBytes)
	rand.Read(d.Key)
	return d.Key, c.state.Put(ctx, stateKey, d, store.Absent)
}

// all yields the streams.
func (c catalog) all(ctx context.Context) iter.Seq2[*live, error] {
	return func(yield func(*live, error) bool) {
		for item, err := range c.streams.Scan(ctx, "") {
			if err != nil {
				yield(nil, err)
				return
			}
			parts := store.SplitKey(item.Key)
			if len(parts) != 3 {
				yield(nil, fmt.Errorf("%w: stream under key %q", store.ErrCorrupt, item.Key))
				return
			}
			if !yield(item.Value.live(Name{parts[0], parts[1], parts[2]}), nil) {
				return
			}
		}
	}
}

// get returns one stream, or store.ErrNotFound.
func (c catalog) get(ctx context.Context, name Name) (*live, error) {
	d, _, err := c.streams.Get(ctx, catalogKey(name))
	if err != nil {
		return nil, err
	}
	return d.live(name), nil
}

// create stores a new stream, which has the number before next, and its tags.
func (c catalog) create(ctx context.Context, l *live, next uint64, tags map[string]string) error {
	stream, err := c.streams.Write(catalogKey(l.stream.Name), documentOf(l), store.Absent)
	if err != nil {
		return err
	}
	number, err := c.state.Write(stateNumber, stateDocument{Number: next}, 0)
	if err != nil {
		return err
	}
	if len(tags) == 0 {
		return c.tables.Commit(ctx, stream, number)
	}
	attached, err := c.resources.Write(resourceKey(Resource{Stream: l.stream.Name}), resourceDocument{Tags: tags}, 0)
	if err != nil {
		return err
	}
	return c.tables.Commit(ctx, stream, number, attached)
}

// update stores a stream that is there.
func (c catalog) update(ctx context.Context, l *live) error {
	return c.streams.Put(ctx, catalogKey(l.stream.Name), documentOf(l), 0)
}

// remove deletes a stream, what is attached to it, and whatever else goes with it.
func (c catalog) remove(ctx context.Context, name Name, more ...store.Write) error {
	attached, err := c.detach(ctx, name)
	if err != nil {
		return err
	}
	return c.tables.Commit(ctx, append(slices.Concat(more, attached), c.streams.Remove(catalogKey(name), 0))...)
}

func documentOf(l *live) streamDocument {
	st := &l.stream
	d := streamDocument{
		Number: st.Number, Status: st.Status, Since: l.since.UTC(), Mode: st.Mode, Created: st.Created.UTC(),
		Retention: int64(st.Retention / time.Second), MaxRecordBytes: st.MaxRecordBytes, Asked: l.asked,
		Shards: make([]shardDocument, len(st.Shards)), Change: l.change, Requests: l.requests,
		KeyID: st.KeyID, Secret: l.secret, ShardMetrics: st.ShardMetrics, WarmMiBps: st.WarmMiBps,
	}
	if !st.trimmed.IsZero() {
		d.Trimmed = st.trimmed.UTC()
	}
	for i, sh := range st.Shards {
		d.Shards[i] = shardDocument{
			Index: sh.Index, Start: storedHash(sh.Range.Start), End: storedHash(sh.Range.End),
			Parent: sh.Parent, AdjacentParent: sh.AdjacentParent, Created: sh.Created.Unix(),
		}
		if !sh.Open() {
			d.Shards[i].Closed = sh.Closed.Unix()
		}
	}
	return d
}

func (d streamDocument) live(name Name) *live {
	l := &live{since: d.Since, asked: d.Asked, change: d.Change, requests: d.Requests, secret: d.Secret, stream: Stream{
		Name: name, Number: d.Number, Status: d.Status, Mode: d.Mode, Created: d.Created,
		Retention: time.Duration(d.Retention) * time.Second, MaxRecordBytes: d.MaxRecordBytes,
		KeyID: d.KeyID, ShardMetrics: d.ShardMetrics, WarmMiBps: d.WarmMiBps, trimmed: d.Trimmed,
		Shards: make([]Shard, len(d.Shards)),
	}}
	for i, sh := range d.Shards {
		l.stream.Shards[i] = Shard{
			Index: sh.Index, Range: HashRange{Hash(sh.Start), Hash(sh.End)},
			Parent: sh.Parent, AdjacentParent: sh.AdjacentParent, Created: time.Unix(sh.Created, 0).UTC(),
		}
		if sh.Closed != 0 {
			l.stream.Shards[i].Closed = time.Unix(sh.Closed, 0).UTC()
			l.stream.closed = true
		}
	}
	return l
}
