package logs

import (
	"context"
	"errors"

	"github.com/millrace/millrace/logs"
)

// TagLogGroup does what TagResource does, by the group's name.
func (d *Door) TagLogGroup(ctx context.Context, in *TagLogGroupRequest) error {
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	err := d.Logs.Tag(ctx, named(ctx, in.LogGroupName), in.Tags)
	if errors.Is(err, logs.ErrTooManyTags) { // an error that is younger than the operation
		return invalid("The maximum number of tags, %d, is exceeded.", logs.MaxTags)
	}
	return translate(err)
}
