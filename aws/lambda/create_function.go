package lambda

import (
	"context"
	"errors"
	"time"

	"github.com/millrace/millrace/function"
)

// CreateFunction makes a function from a zip archive. It is Pending in the answer, and Active or Failed a moment later.
func (d *Door) CreateFunction(ctx context.Context, in *CreateFunctionRequest) (*FunctionConfiguration, error) {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if ref.Qualifier != "" && ref.Qualifier != function.Latest {
		return nil, invalid("A function cannot be created as the version or alias %s.", ref.Qualifier)
	}
	if err := refuse(append(unsupported(
		in.VpcConfig, in.KMSKeyArn, in.TracingConfig, in.FileSystemConfigs,
		in.ImageConfig, in.SnapStart, in.CapacityProviderConfig, in.DurableConfig),
		member{"PublishTo", given(in.PublishTo)},
		member{"PackageType Image", in.PackageType != nil && *in.PackageType != PackageTypeZip},
		member{"CodeSigningConfigArn", given(in.CodeSigningConfigArn)},
		member{"TenancyConfig", in.TenancyConfig != nil},
		member{"Code.ImageUri", given(in.Code.ImageUri)},
		member{"Code.S3ObjectStorageMode REFERENCE", isReference(in.Code.S3ObjectStorageMode)},
		member{"Code.SourceKMSKeyArn", given(in.Code.SourceKMSKeyArn)},
	)...); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	f := function.Function{Name: ref.Name, Role: in.Role, Architectures: in.Architectures}
	assign(&f.Runtime, in.Runtime)
	assign(&f.Handler, in.Handler)
	assign(&f.Description, in.Description)
	assign(&f.MemoryMB, in.MemorySize)
	if in.Timeout != nil {
		f.Timeout = time.Duration(*in.Timeout) * time.Second
	}
	if in.EphemeralStorage != nil {
		f.EphemeralMB = in.EphemeralStorage.Size
	}
	if in.Environment != nil {
		f.Environment = orEmpty(in.Environment.Variables)
	}
	if in.DeadLetterConfig != nil {
		assign(&f.DeadLetterARN, in.DeadLetterConfig.TargetArn)
	}
	if in.LoggingConfig != nil {
		assign(&f.LogFormat, in.LoggingConfig.LogFormat)
		assign(&f.LogGroup, in.LoggingConfig.LogGroup)
		assign(&f.ApplicationLogLevel, in.LoggingConfig.ApplicationLogLevel)
		assign(&f.SystemLogLevel, in.LoggingConfig.SystemLogLevel)
	}
	zip, err := d.code(ctx, in.Code.ZipFile, in.Code.S3Bucket, in.Code.S3Key, in.Code.S3ObjectVersion)
	if err != nil {
		return nil, err
	}
	created, err := d.Functions.CreateWith(ctx, f, zip, function.Extras{Tags: in.Tags, Layers: in.Layers, Publish: isTrue(in.Publish)})
	if errors.Is(err, function.ErrExists) {
		return nil, conflict("Function already exist: %s", ref.Name.Name)
	}
	if err != nil {
		return nil, translate(err)
	}
	c := configuration(created)
	c.FunctionArn = new(created.ARN()) // also of a first version
	return c, nil
}

func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// orEmpty keeps "no variables" apart from "variables were never sent".
func orEmpty(variables map[string]string) map[string]string {
	if variables == nil {
		return map[string]string{}
	}
	return variables
}
