package s3

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// copyBytes is how much of an object is in memory while it is written out, patience how long a client may take for it.
	copyBytes = 64 << 10
	patience  = time.Minute
)

// getObject answers GetObject, and HeadObject, which is the same without the bytes.
func (d *Door) getObject(q *request) error {
	if v := q.URL.Query().Get("versionId"); v != "" && v != "null" {
		return invalidArgument("Invalid version id specified", "versionId", v)
	}
	o, err := d.Buckets.Open(q.Context(), q.call.Account, q.bucket, q.key)
	if err != nil {
		return err
	}
	defer o.Close()
	if err := q.readCondition(&o.Object); err != nil {
		return err
	}
	s, partial, err := readRange(q.Header.Get("Range"), o.Size)
	if err != nil {
		return err
	}
	q.show(&o.Object)
	status, h := http.StatusOK, q.w.Header()
	if partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", s.offset, s.offset+s.length-1, o.Size))
	} else if strings.EqualFold(q.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		q.showChecksum(&o.Facts)
	}
	h.Set("Content-Length", strconv.FormatInt(s.length, 10))
	q.status = status
	q.w.WriteHeader(status)
	if q.Method == http.MethodHead {
		return nil
	}
	from := o.Section(q.Context(), s.offset, s.length)
	defer from.Close()
	return q.stream(from)
}

// stream writes bytes out. A client that stops reading is left.
func (q *request) stream(from io.Reader) error {
	control := http.NewResponseController(q.w)
	// A server that cannot set deadlines (a recorder in a test) writes without.
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	buffer := make([]byte, copyBytes)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(patience))
			if _, err := q.w.Write(buffer[:n]); err != nil {
				return nil //nolint:nilerr // the client has left
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
