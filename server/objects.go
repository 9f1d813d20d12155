package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/aws/protocol"
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

// codeBuckets are the buckets in which code lies, wherever they live; nil when there are none.
func codeBuckets(c Config, r rooms) lambda.Objects {
	endpoint, away := c.away("s3")
	switch {
	case away:
		return outsideBucket{r.outside, endpoint}
	case endpoint == Off:
		return nil
	}
	return objects{r.buckets}
}

// Read implements lambda.Objects. The account is that of the environment's credentials, whoever asks.
func (o outsideBucket) Read(ctx context.Context, _, name, key string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.object(name, key), http.NoBody)
	if err != nil {
		return nil, err
	}
	content, err := o.outside.send(r, "s3", protocol.CallFrom(ctx).Region, nil, limit)
	var answer *outsideError
	switch {
	case errors.As(err, &answer) && strings.Contains(answer.text, "NoSuchBucket"):
		return nil, lambda.ErrNoBucket
	case errors.As(err, &answer) && answer.status == http.StatusNotFound:
		return nil, lambda.ErrNoObject
	case errors.As(err, &answer) && answer.status == http.StatusForbidden:
		return nil, lambda.ErrObjectForbidden
	case err != nil:
		return nil, err
	case int64(len(content)) > limit:
		return nil, function.ErrCodeTooLarge
	}
	return content, nil
}
