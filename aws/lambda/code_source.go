package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// Objects are where archives may lie: buckets.
type Objects interface {
	// Read returns an object of an account, or ErrNoBucket, ErrNoObject, ErrObjectForbidden, or function.ErrCodeTooLarge when it is longer
	// than the limit.
	Read(ctx context.Context, account, bucket, key string, limit int64) ([]byte, error)
}

var (
	// ErrNoBucket says that there is no such bucket for the account.
	ErrNoBucket = errors.New("no such bucket")
	// ErrNoObject says that there is no such object.
	ErrNoObject = errors.New("no such object")
	// ErrObjectForbidden says that the bucket is another account's.
	ErrObjectForbidden = errors.New("object is forbidden")
)

// code returns the archive that a request holds or names.
func (d *Door) code(ctx context.Context, zip []byte, bucket, key, version *string) ([]byte, error) {
	if !given(bucket) && !given(key) && !given(version) {
		return zip, nil
	}
	if len(zip) > 0 {
		return nil, invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	}
	if !given(bucket) || !given(key) {
		return nil, invalid("Please provide both S3Bucket and S3Key when providing either.")
	}
	if given(version) && *version != "null" { // the one version of an object in a bucket without versions
		return nil, getObject("NoSuchVersion", "The specified version does not exist.")
	}
	if d.Objects == nil {
		return nil, invalid("S3Bucket is not supported.")
	}
	zip, err := d.Objects.Read(ctx, protocol.CallFrom(ctx).Account, *bucket, *key, function.MaxZippedBytes)
	switch {
	case errors.Is(err, ErrNoBucket):
		return nil, getObject("NoSuchBucket", "The specified bucket does not exist")
	case errors.Is(err, ErrNoObject):
		return nil, getObject("NoSuchKey", "The specified key does not exist.")
	case errors.Is(err, ErrObjectForbidden):
		return nil, getObject("AccessDenied", "Access Denied")
	}
	return zip, translate(err)
}

// getObject is how AWS tells that an archive cannot be read.
func getObject(code, message string) error {
	return invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", code, message)
}
