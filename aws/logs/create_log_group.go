package logs

import (
	"context"

	"github.com/millrace/millrace/logs"
)

// CreateLogGroup makes a group of the class STANDARD. The others restrict what can be done with it, and are refused.
func (d *Door) CreateLogGroup(ctx context.Context, in *CreateLogGroupRequest) error {
	if in.KmsKeyId != nil {
		return unsupported("kmsKeyId")
	}
	if class := value(in.LogGroupClass, LogGroupClassStandard); class != LogGroupClassStandard {
		return unsupported("logGroupClass " + class)
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	return translate(d.Logs.CreateGroup(ctx, named(ctx, in.LogGroupName), logs.Settings{
		Protected: isTrue(in.DeletionProtectionEnabled), Tags: in.Tags,
	}))
}
