package s3

import "net/http"

// headBucket tells whether there is a bucket, and where.
func (d *Door) headBucket(q *request) error {
	b, err := d.Buckets.Describe(q.call.Account, q.bucket)
	if err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("X-Amz-Bucket-Region", b.Region)
	h.Set("X-Amz-Access-Point-Alias", "false")
	h.Set("Content-Type", "application/xml")
	q.answer(http.StatusOK)
	return nil
}
