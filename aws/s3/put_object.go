package s3

import (
	"net/http"

	"github.com/millrace/millrace/bucket"
)

// putObject answers PutObject, and CopyObject, which has no body. The object is durable when the answer is given.
func (d *Door) putObject(q *request) error {
	if q.Header.Get("X-Amz-Copy-Source") != "" {
		return d.copyObject(q)
	}
	condition, err := q.writeCondition()
	if err != nil {
		return err
	}
	u, err := q.upload()
	if err != nil {
		return err
	}
	o, err := d.Buckets.Put(q.Context(), q.call.Account, q.bucket, q.key, u, condition, func() (bucket.Facts, error) {
		facts, err := u.seal()
		if err == nil {
			err = q.describe(&facts)
		}
		return facts, err
	})
	if err != nil {
		return err
	}
	q.w.Header()["ETag"] = []string{quoted(o.ETag)}
	q.showChecksum(&o.Facts)
	q.answer(http.StatusOK)
	return nil
}
