package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/bucket"
)

// maxKeys is how many objects and common prefixes a page shows.
const maxKeys = 1000

// listing is a page of a list as both versions of the operation write it.
type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Namespace             string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Marker                *string
	NextMarker            *string
	StartAfter            *string
	ContinuationToken     *string
	NextContinuationToken *string
	KeyCount              *int
	MaxKeys               int
	Delimiter             *string
	EncodingType          *string
	IsTruncated           bool
	Contents              []listedObject
	CommonPrefixes        []commonPrefix
}

type listedObject struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm *string
	ChecksumType      *string
	Size              int64
	Owner             *owner
	StorageClass      string
}

type commonPrefix struct{ Prefix string }

// list makes a page, from what both versions ask for in the same words.
func (d *Door) list(q *request, after string, withOwner bool) (*listing, bucket.Page, error) {
	params := q.URL.Query()
	query := bucket.Query{Prefix: params.Get("prefix"), Delimiter: params.Get("delimiter"), After: after, Limit: maxKeys}
	if given := params.Get("max-keys"); given != "" {
		n, err := strconv.ParseInt(given, 10, 32)
		if err != nil || n < 0 {
			return nil, bucket.Page{}, invalidArgument("Provided max-keys not an integer or within integer range", "max-keys", given)
		}
		query.Limit = min(int(n), maxKeys)
	}
	encoding := params.Get("encoding-type")
	encode, err := keyEncoding(encoding)
	if err != nil {
		return nil, bucket.Page{}, err
	}
	page, err := d.Buckets.Objects(q.Context(), q.call.Account, q.bucket, query)
	if err != nil {
		return nil, page, err
	}
	out := &listing{
		Namespace: namespace, Name: q.bucket, Prefix: encode(query.Prefix), MaxKeys: query.Limit,
		Delimiter: protocol.Optional(encode(query.Delimiter)), EncodingType: protocol.Optional(encoding), IsTruncated: page.More,
	}
	for i := range page.Objects {
		o := &page.Objects[i]
		item := listedObject{
			Key: encode(o.Key), LastModified: isoTime(o.Modified), ETag: quoted(o.ETag), Size: o.Size, StorageClass: "STANDARD",
			ChecksumAlgorithm: protocol.Optional(o.Algorithm),
		}
		if o.Algorithm != "" {
			item.ChecksumType = new(checksumType(&o.Facts))
		}
		if withOwner {
			item.Owner = new(ownerOf(q.call.Account))
		}
		out.Contents = append(out.Contents, item)
	}
	for _, p := range page.Prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{encode(p)})
	}
	return out, page, nil
}

// encodeKey percent-encodes a key, but not its slashes.
func encodeKey(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(key), "+", "%20"), "%2F", "/")
}

// listObjects is the first version: pages begin behind a marker, which is a key.
func (d *Door) listObjects(q *request) error {
	marker := q.URL.Query().Get("marker")
	out, page, err := d.list(q, marker, true)
	if err != nil {
		return err
	}
	encode := func(s string) string { return s }
	if out.EncodingType != nil {
		encode = encodeKey
	}
	out.Marker = new(encode(marker))
	if page.More && out.Delimiter != nil {
		out.NextMarker = new(encode(page.Last))
	}
	q.document(http.StatusOK, out)
	return nil
}

// listObjectsV2 is the second: pages begin behind a token.
func (d *Door) listObjectsV2(q *request) error {
	params := q.URL.Query()
	if v := params.Get("list-type"); v != "2" {
		return invalidArgument("Invalid list-type", "list-type", v)
	}
	after := params.Get("start-after")
	token := params.Get("continuation-token")
	if params.Has("continuation-token") {
		last, err := readToken(token)
		if err != nil || last == "" {
			return invalidArgument("The continuation token provided is incorrect", "continuation-token", token)
		}
		after = last
	}
	out, page, err := d.list(q, after, params.Get("fetch-owner") == "true")
	if err != nil {
		return err
	}
	if start := params.Get("start-after"); start != "" {
		if out.EncodingType != nil {
			start = encodeKey(start)
		}
		out.StartAfter = &start
	}
	out.ContinuationToken = protocol.Optional(token)
	out.KeyCount = new(len(out.Contents) + len(out.CommonPrefixes))
	if page.More {
		out.NextContinuationToken = makeToken(page.Last)
	}
	q.document(http.StatusOK, out)
	return nil
}

// keyEncoding returns how keys are written in a list for an encoding-type.
func keyEncoding(kind string) (func(string) string, error) {
	switch kind {
	case "":
		return func(s string) string { return s }, nil
	case "url":
		return encodeKey, nil
	}
	return nil, invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", kind)
}
