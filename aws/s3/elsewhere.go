package s3

import (
	"bufio"
	"io"
	"net/http"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
)

// unsigned says, in the place of the hash of a body, that there is none.
const unsigned = "UNSIGNED-PAYLOAD"

// Elsewhere returns the service when it lives elsewhere: requests are judged as this server's own are, and handed on with their
// bodies, which stream.
func Elsewhere(there protocol.Elsewhere) protocol.Service {
	d := &Door{elsewhere: there}
	return protocol.Service{Name: "s3", Whole: d.serve, Host: func(host string) bool { return hostBucket(host).s3 }}
}

// handOn answers with what the other place answers.
func (d *Door) handOn(q *request) error {
	r, err := q.plain()
	if err != nil {
		return err
	}
	answer, err := d.elsewhere(r, nil)
	if err != nil {
		return err
	}
	q.status = answer.StatusCode
	for _, own := range []string{"x-amz-request-id", hostID} {
		delete(q.w.Header(), own)
	}
	if err := protocol.Relay(q.w, answer); err != nil {
		panic(http.ErrAbortHandler) // so that it is not taken for whole
	}
	return nil
}

// plain is the request with its bucket in the path, and its body without chunks: their signatures would not be those of who
// hands it on.
func (q *request) plain() (*http.Request, error) {
	r := q.Clone(q.Context())
	if hostBucket(q.Host).bucket != "" {
		r.URL.Path, r.URL.RawPath = "/"+q.bucket+q.URL.Path, "/"+q.bucket+q.URL.EscapedPath()
	}
	if !strings.HasPrefix(q.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return r, nil
	}
	u, err := q.upload()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"X-Amz-Trailer", "X-Amz-Decoded-Content-Length", "X-Amz-Sdk-Checksum-Algorithm"} {
		r.Header.Del(name)
	}
	r.Header.Set("X-Amz-Content-Sha256", unsigned)
	encodings := strings.Split(strings.ReplaceAll(r.Header.Get("Content-Encoding"), " ", ""), ",")
	r.Header.Del("Content-Encoding")
	for _, e := range encodings {
		if e != "" && e != "aws-chunked" {
			r.Header.Add("Content-Encoding", e)
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bufio.NewReader(&checked{upload: u})), u.want
	if u.want == 0 {
		r.Body = http.NoBody
		if _, err := io.Copy(io.Discard, u); err != nil {
			return nil, err
		}
		_, err = u.seal()
	}
	return r, err
}

// checked reads an upload and keeps its last byte back until it is known that all of it is what its sender said of it.
type checked struct {
	*upload
	last  [1]byte
	holds bool
	err   error
}

// Read implements io.Reader. It wants room for two bytes.
func (c *checked) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n := 0
	if c.holds {
		p[0], c.holds, n = c.last[0], false, 1
	}
	got, err := c.upload.Read(p[n:])
	n += got
	if err == nil {
		if n > 0 {
			n--
			c.last[0], c.holds = p[n], true
		}
		return n, nil
	}
	c.err = err
	if err == io.EOF {
		if _, failed := c.seal(); failed != nil {
			c.err = failed
			return 0, failed
		}
	}
	return n, c.err
}
