package lambda

import (
	"context"
	"time"

	"github.com/millrace/millrace/function"
)

// UpdateFunctionConfiguration begins to change a function's settings. Each that is given replaces the old one whole.
func (d *Door) UpdateFunctionConfiguration(ctx context.Context, in *UpdateFunctionConfigurationRequest) (*FunctionConfiguration, error) {
	name, err := d.existing(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := refuse(unsupported(
		in.VpcConfig, in.KMSKeyArn, in.TracingConfig, in.FileSystemConfigs,
		in.ImageConfig, in.SnapStart, in.CapacityProviderConfig, in.DurableConfig)...); err != nil {
		return nil, err
	}
	u := function.ConfigurationUpdate{
		Runtime: in.Runtime, Handler: in.Handler, Role: in.Role, Description: in.Description, MemoryMB: in.MemorySize, Layers: in.Layers,
	}
	assign(&u.RevisionID, in.RevisionId)
	if in.Timeout != nil {
		u.Timeout = new(time.Duration(*in.Timeout) * time.Second)
	}
	if in.EphemeralStorage != nil {
		u.EphemeralMB = &in.EphemeralStorage.Size
	}
	if in.Environment != nil {
		u.Environment = in.Environment.Variables // an Environment without variables changes none
	}
	if in.DeadLetterConfig != nil {
		u.DeadLetterARN = in.DeadLetterConfig.TargetArn
	}
	if logging := in.LoggingConfig; logging != nil {
		u.LogFormat, u.LogGroup = logging.LogFormat, logging.LogGroup
		u.ApplicationLogLevel, u.SystemLogLevel = logging.ApplicationLogLevel, logging.SystemLogLevel
	}
	f, err := d.Functions.UpdateConfiguration(ctx, name, u)
	if err != nil {
		return nil, translate(err)
	}
	return configuration(f), nil
}
