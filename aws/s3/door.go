package s3

import (
	"net/http"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/bucket"
)

// Door carries the operations out on the room's buckets.
type Door struct {
	Buckets *bucket.Service

	elsewhere protocol.Elsewhere // instead of the room
}

// New returns the service to hand to the dispatcher.
func New(buckets *bucket.Service) protocol.Service {
	d := &Door{Buckets: buckets}
	return protocol.Service{Name: "s3", Whole: d.serve, Host: func(host string) bool { return hostBucket(host).s3 }}
}

// request is a request of S3 on its way.
type request struct {
	*http.Request
	call   protocol.Call
	w      http.ResponseWriter
	bucket string
	key    string
	status int   // of the answer, 0 while there is none
	cause  error // of an internal error

	version2 bool // its URL is signed in version 2
}

// serve answers a request, or says why its caller is refused.
func (d *Door) serve(w http.ResponseWriter, r *http.Request, refused error) (o protocol.Outcome) {
	q := &request{Request: r, call: protocol.CallFrom(r.Context()), w: w}
	q.bucket, q.key = locate(r)
	if err := q.takeHeaders(); refused == nil {
		refused = err
	}
	route, err := find(q)
	o.Operation = route.name
	if d.elsewhere != nil && !q.call.Judged() {
		err = nil // what this door does not know, another may
	}
	if refused != nil {
		err = refused
	}
	if err == nil && d.elsewhere == nil {
		err = q.refuseHeaders()
	}
	if err == nil {
		err = q.allowed(route.name)
	}
	switch {
	case err != nil:
	case d.elsewhere != nil:
		err = d.handOn(q)
	default:
		err = route.run(d, q)
	}
	if err != nil {
		o.Code = q.fail(err)
	}
	o.Status, o.Cause = q.status, q.cause
	return o
}

// httpTime is how times are written in headers.
func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// isoTime is how times are written in documents.
func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
