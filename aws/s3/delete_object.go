package s3

import "net/http"

// deleteObject removes an object; that there is none is no error.
func (d *Door) deleteObject(q *request) error {
	if q.Header.Get("If-Match") != "" {
		return notImplemented("header", "If-Match")
	}
	if v := q.URL.Query().Get("versionId"); v != "" && v != "null" {
		return invalidArgument("Invalid version id specified", "versionId", v)
	}
	if err := d.Buckets.Remove(q.Context(), q.call.Account, q.bucket, q.key); err != nil {
		return err
	}
	q.answer(http.StatusNoContent)
	return nil
}
