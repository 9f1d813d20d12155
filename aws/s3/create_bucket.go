package s3

import (
	"errors"
	"net/http"

	"github.com/millrace/millrace/bucket"
)

// home is the region whose name goes without saying.
const home = "us-east-1"

type bucketConfiguration struct {
	LocationConstraint string
	Location, Bucket   *struct{}
	Tags               *struct{}
}

// createBucket makes a bucket in the region in which the request was signed.
func (d *Door) createBucket(q *request) error {
	var in bucketConfiguration
	if _, err := q.readDocument(&in); err != nil {
		return err
	}
	if in.Location != nil || in.Bucket != nil || in.Tags != nil {
		return notImplemented("configuration", "Location, Bucket or Tags")
	}
	constraint := in.LocationConstraint
	if constraint == "" {
		constraint = home
	}
	if constraint != q.call.Region {
		name := in.LocationConstraint
		if name == "" {
			name = "unspecified"
		}
		return &failure{
			code: "IllegalLocationConstraintException", status: http.StatusBadRequest,
			text: "The " + name + " location constraint is incompatible for the region specific endpoint this request was sent to.",
		}
	}
	err := d.Buckets.Create(q.Context(), q.call.Account, q.call.Region, q.bucket)
	if errors.Is(err, bucket.ErrBucketOwned) && q.call.Region == home {
		err = nil // as it always was there
	}
	if err != nil {
		return err
	}
	q.w.Header().Set("Location", "/"+q.bucket)
	q.answer(http.StatusOK)
	return nil
}
