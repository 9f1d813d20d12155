package stream

import (
	"context"
	"slices"
)

// shardMetrics are the metrics that a stream can be asked to have for each shard, in AWS's order.
var shardMetrics = []string{
	"IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords",
	"WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded", "IteratorAgeMilliseconds",
}

// AllShardMetrics stands for all of them in a request.
const AllShardMetrics = "ALL"

// Monitor switches metrics of a stream's shards on or off and returns which were on before and which are now.
//
// Errors: NotFoundError, StateError.
func (s *Service) Monitor(ctx context.Context, name Name, metrics []string, on bool) (before, after []string, err error) {
	err = s.edit(ctx, name, func(next *live) error {
		if next.stream.Status == StatusDeleting {
			return &StateError{Name: name, Status: StatusDeleting}
		}
		before = next.stream.ShardMetrics
		for _, metric := range shardMetrics {
			meant := slices.Contains(metrics, metric) || slices.Contains(metrics, AllShardMetrics)
			if meant && on || !meant && slices.Contains(before, metric) {
				after = append(after, metric)
			}
		}
		if slices.Equal(before, after) {
			return errUnchanged
		}
		next.stream.ShardMetrics = after
		return nil
	})
	return before, after, err
}
