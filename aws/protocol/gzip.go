package protocol

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"

	"github.com/millrace/millrace/aws/signature"
)

// isCompressed reports whether the body is compressed and for a service that takes such bodies. Which service a form is
// for is not known before it is read, except by who signed it.
func (x *exchange) isCompressed() bool {
	if !strings.EqualFold(x.r.Header.Get("Content-Encoding"), "gzip") {
		return false
	}
	if x.protocol != Query {
		return x.service != nil && x.service.Gzip
	}
	scope := signature.ScopeService(x.r, nil)
	for _, s := range x.forms {
		if s.Name == scope {
			return s.Gzip
		}
	}
	return false
}

// inflate puts what a compressed body holds in its place, or answers why not. It has at most limit bytes, for which
// memory is taken from the budget before it is used, as for bodies that come plain.
func (x *exchange) inflate(limit int64) bool {
	x.packed = x.body
	x.body = &body{budget: x.budget}
	from, err := gzip.NewReader(bytes.NewReader(x.packed.bytes))
	if err != nil {
		x.fail(&Error{Code: codeSerialization})
		return false
	}
	for want := min(4*int64(len(x.packed.bytes)), limit); ; want = min(2*want, limit) {
		if err := x.extend(x.r, x.body, want); err != nil {
			x.failLoad(err, limit)
			return false
		}
		switch err := x.body.fill(from, want); {
		case err == io.EOF:
			return true
		case err != nil:
			x.fail(&Error{Code: codeSerialization})
			return false
		case want == limit:
			if n, _ := io.ReadFull(from, make([]byte, 1)); n > 0 {
				x.failLoad(errTooLarge, limit)
				return false
			}
			return true
		}
	}
}

// fill reads until the body has n bytes, or to io.EOF.
func (b *body) fill(from io.Reader, n int64) error {
	for int64(len(b.bytes)) < n {
		read, err := from.Read(b.bytes[len(b.bytes):n])
		b.bytes = b.bytes[:len(b.bytes)+read]
		if err != nil {
			return err
		}
	}
	return nil
}

// signed is the body as it was sent, which is what a signature is over.
func (x *exchange) signed() []byte {
	if x.packed != nil {
		return x.packed.bytes
	}
	return x.body.bytes
}
