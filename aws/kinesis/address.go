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

// refuse answers a request that sets a member which is known and not carried out.
func refuse(member string, set bool) error {
	if !set {
		return nil
	}
	return invalidArgument(fmt.Sprintf("%s is not supported.", member))
}

// firstOf returns the first error there is.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// isTrue reports whether an optional flag was given and is on.
func isTrue(flag *bool) bool { return flag != nil && *flag }
