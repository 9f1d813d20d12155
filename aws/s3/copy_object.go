package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/bucket"
)

type copyResult struct {
	XMLName      xml.Name `xml:"CopyObjectResult"`
	Namespace    string   `xml:"xmlns,attr"`
	LastModified string
	ETag         string
}

// copyObject writes the bytes of one object into another.
func (d *Door) copyObject(q *request) error {
	from, key, err := copySource(q.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return err
	}
	replace := false
	switch directive := q.Header.Get("X-Amz-Metadata-Directive"); directive {
	case "", "COPY":
	case "REPLACE":
		replace = true
	default:
		return invalidArgument("Unknown metadata directive.", "x-amz-metadata-directive", directive)
	}
	if from == q.bucket && key == q.key && !replace {
		return invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	condition, err := q.writeCondition()
	if err != nil {
		return err
	}
	if err := q.may("GetObject", from, key); err != nil {
		return err
	}
	source, err := d.Buckets.Open(q.Context(), q.call.Account, from, key)
	if err != nil {
		q.bucket, q.key = from, key // of which the error speaks
		return err
	}
	defer source.Close()
	body := source.Section(q.Context(), 0, source.Size)
	defer body.Close()
	u, err := (&request{Request: bodyless(q.Request, source.Size), call: q.call, w: q.w}).upload()
	if err != nil {
		return err
	}
	u.from = body
	o, err := d.Buckets.Put(q.Context(), q.call.Account, q.bucket, q.key, u, condition, func() (bucket.Facts, error) {
		facts, err := u.seal()
		if err == nil && replace {
			err = q.describe(&facts)
		} else {
			facts.Headers, facts.Metadata = source.Headers, source.Metadata
		}
		return facts, err
	})
	if err != nil {
		return err
	}
	q.document(http.StatusOK, copyResult{Namespace: namespace, LastModified: isoTime(o.Modified), ETag: quoted(o.ETag)})
	return nil
}

// bodyless is the request as one whose body has so many bytes and of which nothing is said.
func bodyless(r *http.Request, size int64) *http.Request {
	return &http.Request{Method: r.Method, URL: r.URL, Header: http.Header{}, ContentLength: size, Body: http.NoBody}
}

// copySource reads /bucket/key, percent-encoded.
func copySource(value string) (bucket, key string, err error) {
	path, query, _ := strings.Cut(value, "?")
	if query != "" && query != "versionId=null" {
		return "", "", invalidArgument("Invalid version id specified", "x-amz-copy-source", value)
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		plain = path
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(plain, "/"), "/")
	if bucket == "" || key == "" {
		return "", "", invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", value)
	}
	return bucket, key, nil
}
