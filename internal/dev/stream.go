package dev

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// ensureStream returns the ARN of a mapping's stream, which it makes when it is not there.
func (w *watch) ensureStream(ctx context.Context, function string, m mappingSettings) (arn string, err error) {
	describe := func() (*types.StreamDescriptionSummary, error) {
		d, err := w.clients.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &m.StreamName})
		if err != nil {
			return nil, err
		}
		return d.StreamDescriptionSummary, nil
	}
	d, err := describe()
	made := isNotFound(err)
	if made {
		count := int32(1)
		assign(&count, m.ShardCount)
		_, err = w.clients.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &m.StreamName, ShardCount: &count})
		if err != nil {
			return "", refusal("CreateStream", err)
		}
	} else if err != nil {
		return "", refusal("DescribeStreamSummary", err)
	}
	err = until(ctx, fmt.Sprintf("stream %s is active", m.StreamName), func() (bool, error) {
		if d, err = describe(); err != nil {
			return false, refusal("DescribeStreamSummary", err)
		}
		return d.StreamStatus == types.StreamStatusActive || d.StreamStatus == types.StreamStatusUpdating, nil
	})
	if err != nil {
		return "", err
	}
	shards := aws.ToInt32(d.OpenShardCount)
	switch {
	case made:
		w.out.say(function, "stream %s made (ShardCount %d)", m.StreamName, shards)
	case m.ShardCount != nil && *m.ShardCount != shards:
		w.note(function, "stream %s is there with %d shards: ShardCount %d counts only when it is made", m.StreamName, shards, *m.ShardCount)
	}
	return aws.ToString(d.StreamARN), nil
}
