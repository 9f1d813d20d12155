package lambda

import (
	"context"

	"github.com/millrace/millrace/function"
)

// UpdateFunctionCode begins to replace a function's code.
func (d *Door) UpdateFunctionCode(ctx context.Context, in *UpdateFunctionCodeRequest) (*FunctionConfiguration, error) {
	name, err := d.existing(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if given(in.ImageUri) {
		return nil, invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
	}
	if err := refuse(
		member{"PublishTo", given(in.PublishTo)},
		member{"S3ObjectStorageMode REFERENCE", isReference(in.S3ObjectStorageMode)},
		member{"SourceKMSKeyArn", given(in.SourceKMSKeyArn)},
	); err != nil {
		return nil, err
	}
	zip, err := d.code(ctx, in.ZipFile, in.S3Bucket, in.S3Key, in.S3ObjectVersion)
	if err != nil {
		return nil, err
	}
	u := function.CodeUpdate{Zip: zip, Architectures: in.Architectures, DryRun: isTrue(in.DryRun), Publish: isTrue(in.Publish)}
	assign(&u.RevisionID, in.RevisionId)
	f, err := d.Functions.UpdateCode(ctx, name, u)
	if err != nil {
		return nil, translate(err)
	}
	return configuration(f), nil
}
