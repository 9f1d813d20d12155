package s3

import (
	"strings"

	"github.com/millrace/millrace/bucket"
)

// kept are the headers that belong to an object.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

const (
	metadataHeader = "X-Amz-Meta-"
	maxMetadata    = 2 << 10
	defaultType    = "binary/octet-stream"
)

// harmless are the values with which headers ask for nothing but what is done anyway.
var harmless = map[string]string{
	"X-Amz-Acl":           "private",
	"X-Amz-Storage-Class": "STANDARD",
	"X-Amz-Request-Payer": "requester",
}

// unsupported are beginnings of headers that ask for what this door does not carry out.
var unsupported = []string{
	"X-Amz-Acl", "X-Amz-Storage-Class", "X-Amz-Grant-", "X-Amz-Server-Side-Encryption", "X-Amz-Tagging", "X-Amz-Object-Lock-",
	"X-Amz-Website-Redirect-Location", "X-Amz-Bucket-Object-Lock-Enabled", "X-Amz-Object-Ownership", "X-Amz-Mfa",
	"X-Amz-Bypass-Governance-Retention", "X-Amz-Copy-Source-If-", "X-Amz-Copy-Source-Server-Side-Encryption", "X-Amz-Write-Offset-Bytes",
	"X-Amz-If-Match-",
}

// refuseHeaders refuses what is asked for in headers and not carried out, and callers who take the bucket for another
// account's.
func (q *request) refuseHeaders() error {
	for name, values := range q.Header {
		for _, beginning := range unsupported {
			if strings.HasPrefix(name, beginning) && len(values) > 0 && values[0] != "" && values[0] != harmless[name] {
				return notImplemented("header", strings.ToLower(name))
			}
		}
	}
	if owner := q.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != q.call.Account {
		return &failure{code: "AccessDenied"}
	}
	return nil
}

// describe adds to the facts what the request's headers say of the object.
func (q *request) describe(f *bucket.Facts) error {
	f.Headers, f.Metadata = map[string]string{}, nil
	for _, name := range kept {
		value := q.Header.Get(name)
		if name == "Content-Encoding" {
			value = withoutChunked(value)
		}
		if value != "" {
			f.Headers[name] = value
		}
	}
	if f.Headers["Content-Type"] == "" {
		f.Headers["Content-Type"] = defaultType
	}
	size := 0
	for name, values := range q.Header {
		rest, ok := strings.CutPrefix(name, metadataHeader)
		if !ok || rest == "" {
			continue
		}
		if f.Metadata == nil {
			f.Metadata = map[string]string{}
		}
		value := strings.Join(values, ",")
		f.Metadata[strings.ToLower(rest)] = value
		size += len(rest) + len(value)
	}
	if size > maxMetadata {
		return &failure{code: "MetadataTooLarge", text: "Your metadata headers exceed the maximum allowed metadata size"}
	}
	return nil
}

// withoutChunked is a Content-Encoding without the one that only the transport had.
func withoutChunked(value string) string {
	var rest []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			rest = append(rest, part)
		}
	}
	return strings.Join(rest, ",")
}

// show writes what is known of an object into the headers of an answer.
func (q *request) show(o *bucket.Object) {
	h := q.w.Header()
	h.Set("Last-Modified", httpTime(o.Modified))
	h.Set("Accept-Ranges", "bytes")
	h["ETag"] = []string{quoted(o.ETag)}
	for name, value := range o.Headers {
		h.Set(name, value)
	}
	for name, value := range o.Metadata {
		h[strings.ToLower(metadataHeader)+name] = []string{value} // as S3 writes it: clients take the name as it is
	}
	params := q.URL.Query()
	for _, name := range kept {
		if value := params.Get("response-" + strings.ToLower(name)); value != "" {
			h.Set(name, value)
		}
	}
}

// showChecksum writes an object's checksum into the headers of an answer.
func (q *request) showChecksum(f *bucket.Facts) {
	if f.Algorithm == "" {
		return
	}
	h := q.w.Header()
	h.Set(checksumHeader+f.Algorithm, f.Checksum)
	h.Set("X-Amz-Checksum-Type", checksumType(f))
}

func checksumType(f *bucket.Facts) string {
	if f.Composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

func quoted(tag string) string { return `"` + tag + `"` }

// unquoted is a tag as the room has it.
func unquoted(tag string) string { return strings.Trim(strings.TrimSpace(tag), `"`) }

// writeCondition reads the conditions on which a write may replace an object.
func (q *request) writeCondition() (c bucket.Condition, err error) {
	if none := q.Header.Get("If-None-Match"); none != "" {
		if none != "*" {
			return c, notImplemented("header", "If-None-Match")
		}
		c.Absent = true
	}
	if match := q.Header.Get("If-Match"); match != "" {
		c.ETag = unquoted(match)
	}
	return c, nil
}
