package server

import (
	"context"
	"errors"
	"io"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/bucket"
	"github.com/millrace/millrace/function"
)

// objects are the buckets of the house as places where code lies.
type objects struct{ buckets *bucket.Service }

// Read implements lambda.Objects.
func (o objects) Read(ctx context.Context, account, name, key string, limit int64) ([]byte, error) {
	r, err := o.buckets.Open(ctx, account, name, key)
	switch {
	case errors.Is(err, bucket.ErrBucketNotFound):
		return nil, lambda.ErrNoBucket
	case errors.Is(err, bucket.ErrNotFound):
		return nil, lambda.ErrNoObject
	case errors.Is(err, bucket.ErrForbidden):
		return nil, lambda.ErrObjectForbidden
	case err != nil:
		return nil, err
	}
	defer r.Close()
	if r.Size > limit {
		return nil, function.ErrCodeTooLarge
	}
	content := r.Section(ctx, 0, r.Size)
	defer content.Close()
	return io.ReadAll(content)
}
