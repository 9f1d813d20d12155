package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// streamSource reads a stream as any client does.
type streamSource struct {
	url, region string
	stream      string // name or ARN
	shards      []string
	from        string
	follow      bool

	client *kinesis.Client
	name   *string
	arn    *string
}

// shardReader reads one shard.
type shardReader struct {
	id       string
	iterator *string // nil at its end
}

// followPause is how long a follower waits between two looks, and maxAttempts how often a call is tried: for longer than
// the shard's limits can refuse a read.
const (
	followPause = time.Second
	maxAttempts = 10
)

// read shows what the shards have, one after the other in the order of their ids, parents before children. A follower
// goes on until the context ends, with shards that come out of others too.
func (s *streamSource) read(ctx context.Context, show func(shard string, records []types.Record) error) error {
	s.connect()
	readers, err := s.open(ctx)
	if err != nil {
		return err
	}
	for {
		// What is appended meanwhile is looked at too: there are no more shards than the stream has.
		for i := 0; i < len(readers); i++ {
			children, err := s.drain(ctx, readers[i], show)
			if err != nil {
				return err
			}
			if s.follow && len(s.shards) == 0 {
				if readers, err = s.adopt(ctx, readers, children); err != nil {
					return err
				}
			}
		}
		if !s.follow || !slices.ContainsFunc(readers, func(r *shardReader) bool { return r.iterator != nil }) {
			return nil
		}
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *streamSource) connect() {
	key, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if key == "" {
		key, secret = "test", "test"
	}
	s.client = kinesis.New(kinesis.Options{
		BaseEndpoint: &s.url, Region: s.region, RetryMaxAttempts: maxAttempts,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, os.Getenv("AWS_SESSION_TOKEN")),
	})
	if s.name = &s.stream; strings.HasPrefix(s.stream, "arn:") {
		s.name, s.arn = nil, &s.stream
	}
}

// open begins to read the shards that were asked for.
func (s *streamSource) open(ctx context.Context) ([]*shardReader, error) {
	start, err := s.start()
	if err != nil {
		return nil, &usageError{err}
	}
	ids := s.shards
	if len(ids) == 0 {
		if ids, err = s.list(ctx); err != nil {
			return nil, err
		}
	}
	if start.StartingSequenceNumber != nil && len(ids) != 1 {
		return nil, &usageError{errors.New("a sequence number belongs to one shard: name it with --shard")}
	}
	var readers []*shardReader
	for _, id := range ids {
		r, err := s.begin(ctx, id, start)
		if err != nil {
			return nil, err
		}
		readers = append(readers, r)
	}
	return readers, nil
}

func (s *streamSource) begin(ctx context.Context, id string, in kinesis.GetShardIteratorInput) (*shardReader, error) {
	in.ShardId, in.StreamName, in.StreamARN = &id, s.name, s.arn
	out, err := s.client.GetShardIterator(ctx, &in)
	if err != nil {
		return nil, err
	}
	return &shardReader{canonicalShard(id), out.ShardIterator}, nil
}

// canonicalShard returns the id that a shard has, of one that the service takes for it: 1 is shardId-000000000001.
func canonicalShard(id string) string {
	_, digits, ok := strings.Cut(id, "-")
	if !ok {
		digits = id
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return id
	}
	return fmt.Sprintf("shardId-%012d", n)
}

// start reads --from.
func (s *streamSource) start() (in kinesis.GetShardIteratorInput, err error) {
	switch word := strings.ToUpper(strings.ReplaceAll(s.from, "-", "_")); word {
	case "TRIM_HORIZON", "LATEST":
		in.ShardIteratorType = types.ShardIteratorType(word)
		return in, nil
	}
	if strings.Trim(s.from, "0123456789") == "" && s.from != "" {
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAtSequenceNumber, &s.from
		return in, nil
	}
	at, err := time.Parse(time.RFC3339, s.from)
	if err != nil {
		return in, fmt.Errorf("--from is trim-horizon, latest, a time such as 2006-01-02T15:04:05Z or a sequence number, not %q", s.from)
	}
	in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &at
	return in, nil
}

// list returns the ids of all shards.
func (s *streamSource) list(ctx context.Context) (ids []string, _ error) {
	for in := (&kinesis.ListShardsInput{StreamName: s.name, StreamARN: s.arn}); ; {
		page, err := s.client.ListShards(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, shard := range page.Shards {
			ids = append(ids, *shard.ShardId)
		}
		if page.NextToken == nil {
			return ids, nil
		}
		in = &kinesis.ListShardsInput{NextToken: page.NextToken} // which names the stream
	}
}

// drain reads a shard up to its newest record, and returns its children when it has ended.
func (s *streamSource) drain(ctx context.Context, r *shardReader, show func(string, []types.Record) error) ([]types.ChildShard, error) {
	for r.iterator != nil {
		page, err := s.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: r.iterator})
		if err != nil {
			return nil, err
		}
		if err := show(r.id, page.Records); err != nil {
			return nil, err
		}
		if r.iterator = page.NextShardIterator; r.iterator == nil {
			return page.ChildShards, nil
		}
		if aws.ToInt64(page.MillisBehindLatest) == 0 {
			return nil, nil
		}
	}
	return nil, nil
}

// adopt adds the children whose parents have all been read to their ends, and that are not read yet.
func (s *streamSource) adopt(ctx context.Context, readers []*shardReader, children []types.ChildShard) ([]*shardReader, error) {
	for _, child := range children {
		known := slices.ContainsFunc(readers, func(r *shardReader) bool { return r.id == *child.ShardId })
		waits := slices.ContainsFunc(readers, func(r *shardReader) bool {
			return r.iterator != nil && slices.Contains(child.ParentShards, r.id)
		})
		if known || waits {
			continue
		}
		r, err := s.begin(ctx, *child.ShardId, kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
		if err != nil {
			return nil, err
		}
		readers = append(readers, r)
	}
	return readers, nil
}
