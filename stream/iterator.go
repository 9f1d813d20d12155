package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"time"
)

// iterator is what a shard iterator holds. It names the incarnation of the stream, so that one made for a deleted
// stream is of no use with its successor, and a position, so that nothing is worked out again when it is used.
type iterator struct {
	key    ShardKey
	after  Position
	issued time.Time // to the millisecond
	name   string
}

// An iterator's payload: version (8 bits), stream (64), shard (32), position (64), milliseconds since 1970 (64), length
// of the name (8), name. Numbers are big-endian.
const (
	iteratorVersion = 1
	iteratorHeader  = 1 + 8 + 4 + 8 + 8 + 1
)

// iteratorSize is how long AWS's iterators are before base64, by the length of the stream's name.
func iteratorSize(name string) int { return 152 + (len(name)+2)/16*16 }

func iteratorContext(account, region string) string {
	return "iterator\x00" + account + "\x00" + region
}

func (it iterator) seal(s *sealer, account, region string) string {
	p := make([]byte, 0, iteratorSize(it.name))
	p = append(p, iteratorVersion)
	p = binary.BigEndian.AppendUint64(p, it.key.Stream)
	p = binary.BigEndian.AppendUint32(p, it.key.Index)
	p = binary.BigEndian.AppendUint64(p, uint64(it.after))
	p = binary.BigEndian.AppendUint64(p, uint64(it.issued.UnixMilli()))
	p = append(append(p, byte(len(it.name))), it.name...)
	return s.seal(iteratorContext(account, region), p, iteratorSize(it.name))
}

func openIterator(s *sealer, account, region, text string) (iterator, bool) {
	p, ok := s.open(iteratorContext(account, region), text)
	if !ok || len(p) < iteratorHeader || p[0] != iteratorVersion || int(p[iteratorHeader-1]) > len(p)-iteratorHeader {
		return iterator{}, false
	}
	return iterator{
		key:    ShardKey{Stream: binary.BigEndian.Uint64(p[1:]), Index: binary.BigEndian.Uint32(p[9:])},
		after:  Position(binary.BigEndian.Uint64(p[13:])),
		issued: time.UnixMilli(int64(binary.BigEndian.Uint64(p[21:]))).UTC(),
		name:   string(p[iteratorHeader : iteratorHeader+int(p[iteratorHeader-1])]),
	}, true
}

// NewIterator returns a shard iterator for a start: an opaque text for GetRecords, good for IteratorLife.
//
// Errors: ShardNotFoundError when the stream cannot be read or has no such shard, ReadRateError, and
// those of Seek.
func (s *Service) NewIterator(ctx context.Context, name Name, shard uint32, start Start) (string, error) {
	l, ok := s.find(name)
	if !ok || !l.stream.Status.usable() {
		return "", &ShardNotFoundError{name, shard}
	}
	if _, ok := l.stream.kept(s.clock.Now()).Shard(shard); !ok {
		return "", &ShardNotFoundError{name, shard}
	}
	key := ShardKey{l.stream.Number, shard}
	if log := l.shardLog(shard); log != nil && !log.limits.seek(s.clock.Now()) {
		return "", &ReadRateError{name, shard}
	}
	after, err := s.Seek(ctx, key, start)
	if errors.Is(err, ErrGone) {
		return "", &ShardNotFoundError{name, shard}
	}
	if err != nil {
		return "", err
	}
	it := iterator{key: key, after: after, issued: s.clock.Now(), name: name.Name}
	return it.seal(s.sealer, name.Account, name.Region), nil
}

// Page is what GetRecords found.
type Page struct {
	Batch
	Name  Name
	Key   ShardKey
	Shard Shard
	// Iterator goes on after the page. It is empty when a closed shard has been read to its end: then Children are the
	// shards that it was split or merged into.
	Iterator string
	Children []Shard
}

// GetRecords reads on from a shard iterator of the account and region: at most limit records (0 means, and more than
// MaxReadRecords is, MaxReadRecords) and MaxReadBytes. It does not wait. The same iterator may be used again.
//
// Errors: ErrIterator, ExpiredIteratorError, ShardNotFoundError, and those of ReadLimited.
func (s *Service) GetRecords(ctx context.Context, account, region, text string, limit int) (Page, error) {
	now := s.clock.Now()
	it, ok := openIterator(s.sealer, account, region, text)
	if !ok || it.issued.After(now) {
		return Page{}, ErrIterator
	}
	if now.Sub(it.issued) > IteratorLife {
		return Page{}, &ExpiredIteratorError{Created: it.issued, Now: now}
	}
	name := Name{account, region, it.name}
	if limit <= 0 || limit > MaxReadRecords {
		limit = MaxReadRecords
	}
	batch, err := s.ReadLimited(ctx, it.key, it.after, limit, MaxReadBytes)
	if errors.Is(err, ErrGone) {
		return Page{}, &ShardNotFoundError{name, it.key.Index}
	}
	if err != nil {
		return Page{}, err
	}
	l, ok := s.find(name)
	if !ok || l.stream.Number != it.key.Stream {
		return Page{}, &ShardNotFoundError{name, it.key.Index}
	}
	page := Page{Batch: batch, Name: name, Key: it.key}
	if page.Shard, ok = l.stream.Shard(it.key.Index); !ok { // forgotten at this very moment, with all its records
		return Page{}, &ShardNotFoundError{name, it.key.Index}
	}
	if batch.End && len(batch.Records) == 0 {
		page.Children = l.stream.Children(it.key.Index)
		return page, nil
	}
	it.after, it.issued = batch.Next, s.clock.Now()
	page.Iterator = it.seal(s.sealer, account, region)
	return page, nil
}
