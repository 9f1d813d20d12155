package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// FilterType says which shards a ShardFilter lets through. The values are AWS's.
type FilterType string

// The types of a shard filter.
const (
	AfterShardID    FilterType = "AFTER_SHARD_ID"    // those after ShardFilter.After
	AtTrimHorizon   FilterType = "AT_TRIM_HORIZON"   // those open when the oldest kept records arrived
	FromTrimHorizon FilterType = "FROM_TRIM_HORIZON" // all that are kept
	AtLatest        FilterType = "AT_LATEST"         // those open now
	AtTime          FilterType = "AT_TIMESTAMP"      // those open at ShardFilter.Timestamp
	FromTime        FilterType = "FROM_TIMESTAMP"    // those open at ShardFilter.Timestamp or later
)

// ShardFilter picks shards. The zero value lets all through.
type ShardFilter struct {
	Type      FilterType `json:"type,omitempty"`
	After     uint32     `json:"after,omitempty"`
	Timestamp time.Time  `json:"timestamp,omitzero"`
}

// Select returns the shards that the filter lets through, in order of their indexes. A time before the stream's
// horizon or creation counts as the later of these; one in the future is a FutureTimestampError.
func (s Stream) Select(f ShardFilter, now time.Time) ([]Shard, error) {
	at := s.horizon(now)
	switch f.Type {
	case "", AfterShardID, AtTrimHorizon, FromTrimHorizon, AtLatest:
	case AtTime, FromTime:
		if f.Timestamp.After(now) {
			return nil, &FutureTimestampError{Timestamp: f.Timestamp, Now: now}
		}
		at = later(at, f.Timestamp)
	default:
		return nil, fmt.Errorf("%w: type %q", ErrFilter, f.Type)
	}
	at = later(at, s.Created)
	var found []Shard
	for _, sh := range s.kept(now).Shards {
		if f.lets(sh, at) {
			found = append(found, sh)
		}
	}
	return found, nil
}

// lets judges one shard; at is the time that the filter is about.
func (f ShardFilter) lets(sh Shard, at time.Time) bool {
	switch f.Type {
	case AfterShardID:
		return sh.Index > f.After
	case AtTrimHorizon, AtTime:
		return !sh.Created.After(at) && sh.openAt(at)
	case AtLatest:
		return sh.Open()
	case FromTime:
		return sh.openAt(at)
	}
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ShardQuery asks for a list of shards.
type ShardQuery struct {
	Name   Name
	Filter ShardFilter
	// After, if not nil, leaves out the shards up to that index.
	After *uint32
	// Created, if not zero, is when the stream must have been created: it tells incarnations apart.
	Created time.Time
}

// shardPage is what the token of a further page holds: the whole question, and how far it has been answered.
type shardPage struct {
	Stream string      `json:"stream"`
	Number uint64      `json:"number"`
	Filter ShardFilter `json:"filter,omitzero"`
	After  uint32      `json:"after"`
}

// ListShards returns at most limit shards, and a token for the rest when there are more.
//
// Errors: NotFoundError, FutureTimestampError, ErrFilter.
func (s *Service) ListShards(_ context.Context, q ShardQuery, limit int) ([]Shard, string, error) {
	l, ok := s.find(q.Name)
	if !ok || !q.Created.IsZero() && !q.Created.Equal(l.stream.Created) {
		return nil, "", &NotFoundError{q.Name}
	}
	page := shardPage{Stream: q.Name.Name, Number: l.stream.Number, Filter: q.Filter}
	if !q.Filter.Timestamp.IsZero() { // a token cannot hold the years before the first, and nothing was before the stream
		page.Filter.Timestamp = later(q.Filter.Timestamp, l.stream.Created)
	}
	return s.listShards(l, q.Name, page, q.After, limit)
}

// MoreShards goes on with a list of shards.
//
// Errors: ErrPageToken, ErrExpiredPageToken, NotFoundError.
func (s *Service) MoreShards(_ context.Context, account, region, token string, limit int) ([]Shard, string, error) {
	var page shardPage
	if err := s.openPage("shards", account, region, token, &page); err != nil {
		return nil, "", err
	}
	name := Name{account, region, page.Stream}
	l, ok := s.find(name)
	if !ok || l.stream.Number != page.Number {
		return nil, "", &NotFoundError{name}
	}
	return s.listShards(l, name, page, &page.After, limit)
}

func (s *Service) listShards(l *live, name Name, page shardPage, after *uint32, limit int) ([]Shard, string, error) {
	shards, err := l.stream.Select(page.Filter, s.clock.Now())
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		for len(shards) > 0 && shards[0].Index <= *after {
			shards = shards[1:]
		}
	}
	if limit = max(limit, 1); len(shards) <= limit {
		return shards, "", nil
	}
	page.After = shards[limit-1].Index
	token, err := s.sealPage("shards", name.Account, name.Region, page)
	return shards[:limit:limit], token, err
}

// ListAfter returns the token of the page of List that follows the stream of that name.
func (s *Service) ListAfter(account, region, name string) (string, error) {
	return s.sealPage("streams", account, region, name)
}

// ListFrom returns the name that a token of ListAfter holds.
//
// Errors: ErrPageToken, ErrExpiredPageToken.
func (s *Service) ListFrom(account, region, token string) (string, error) {
	var name string
	err := s.openPage("streams", account, region, token, &name)
	return name, err
}

// sealedPage is the payload of a page token, as JSON.
type sealedPage struct {
	Issued int64           `json:"issued"` // milliseconds since 1970
	Page   json.RawMessage `json:"page"`
}

func pageContext(kind, account, region string) string {
	return "page\x00" + kind + "\x00" + account + "\x00" + region
}

func (s *Service) sealPage(kind, account, region string, page any) (string, error) {
	body, err := json.Marshal(page)
	if err != nil {
		return "", fmt.Errorf("seal page of %s: %w", kind, err)
	}
	payload, err := json.Marshal(sealedPage{Issued: s.clock.Now().UnixMilli(), Page: body})
	if err != nil {
		return "", fmt.Errorf("seal page of %s: %w", kind, err)
	}
	return s.sealer.seal(pageContext(kind, account, region), payload, 0), nil
}

func (s *Service) openPage(kind, account, region, token string, page any) error {
	payload, ok := s.sealer.open(pageContext(kind, account, region), token)
	if !ok {
		return ErrPageToken
	}
	var sealed sealedPage
	if json.Unmarshal(bytes.TrimRight(payload, "\x00"), &sealed) != nil {
		return ErrPageToken
	}
	age := s.clock.Now().Sub(time.UnixMilli(sealed.Issued))
	switch {
	case age < 0 || json.Unmarshal(sealed.Page, page) != nil:
		return ErrPageToken
	case age > PageTokenLife:
		return ErrExpiredPageToken
	}
	return nil
}
