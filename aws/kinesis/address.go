package kinesis

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// addressed returns the stream that a request means: by its name, by its ARN, or by both where they agree.
func addressed(ctx context.Context, name, arn *string) (stream.Name, error) {
	call := protocol.CallFrom(ctx)
	switch {
	case name == nil && arn == nil:
		return stream.Name{}, invalidArgument("Either StreamName or StreamARN should be provided.")
	case arn == nil:
		return stream.Name{Account: call.Account, Region: call.Region, Name: *name}, nil
	}
	named, err := stream.ParseARN(*arn)
	if err != nil {
		return stream.Name{}, invalidArgument(fmt.Sprintf("Invalid StreamARN: %s", *arn))
	}
	if name != nil && *name != named.Name {
		return stream.Name{}, invalidArgument(fmt.Sprintf("StreamName %s and StreamARN %s do not name the same stream.", *name, *arn))
	}
	if named.Account != call.Account || named.Region != call.Region {
		return stream.Name{}, notFound(named)
	}
	return named, nil
}

// addressedResource returns the stream or the consumer that a ResourceARN names.
func addressedResource(ctx context.Context, arn string) (stream.Resource, error) {
	call := protocol.CallFrom(ctx)
	r, err := stream.ParseResource(arn)
	switch {
	case err != nil:
		return r, invalidArgument(fmt.Sprintf("Invalid ResourceARN: %s", arn))
	case r.Stream.Account == call.Account && r.Stream.Region == call.Region:
		return r, nil
	case r.Consumer.Name != "":
		return r, consumerNotFound(arn, call.Account)
	}
	return r, notFound(r.Stream)
}

// dryRun is the answer to a request that was only to be judged: the error that there was, or that there was none.
func dryRun(err error) error {
	if err != nil {
		return err
	}
	return &protocol.Error{Code: DryRunOperationException, Message: "Request would have succeeded, but DryRun flag is set."}
}

// isTrue reports whether an optional flag was given and is on.
func isTrue(flag *bool) bool { return flag != nil && *flag }
