package s3

import "net/http"

// deleteBucket removes a bucket that is empty.
func (d *Door) deleteBucket(q *request) error {
	if err := d.Buckets.Delete(q.Context(), q.call.Account, q.bucket); err != nil {
		return err
	}
	q.answer(http.StatusNoContent)
	return nil
}
