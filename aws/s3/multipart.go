package s3

import (
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/bucket"
)

type initiateResult struct {
	XMLName   xml.Name `xml:"InitiateMultipartUploadResult"`
	Namespace string   `xml:"xmlns,attr"`
	Bucket    string
	Key       string
	UploadID  string `xml:"UploadId"`
}

// createMultipartUpload begins an upload in parts.
func (d *Door) createMultipartUpload(q *request) error {
	var facts bucket.Facts
	if err := q.describe(&facts); err != nil {
		return err
	}
	algorithm := strings.ToUpper(q.Header.Get("X-Amz-Checksum-Algorithm"))
	kind := strings.ToUpper(q.Header.Get("X-Amz-Checksum-Type"))
	switch {
	case algorithm == "" && kind == "":
	case algorithms[algorithm] == nil, kind == "FULL_OBJECT":
		// Checksums of whole objects out of those of parts are not made.
		return notImplemented("header", "x-amz-checksum-algorithm")
	default:
		facts.Algorithm, facts.Composite = algorithm, true
	}
	id, err := d.Buckets.BeginUpload(q.Context(), q.call.Account, q.bucket, q.key, facts)
	if err != nil {
		return err
	}
	if facts.Algorithm != "" {
		q.w.Header().Set("X-Amz-Checksum-Algorithm", facts.Algorithm)
		q.w.Header().Set("X-Amz-Checksum-Type", checksumType(&facts))
	}
	q.document(http.StatusOK, initiateResult{Namespace: namespace, Bucket: q.bucket, Key: q.key, UploadID: id})
	return nil
}

// uploadID is the upload that the request speaks of.
func (q *request) uploadID() string { return q.URL.Query().Get("uploadId") }

// uploadPart writes a part.
func (d *Door) uploadPart(q *request) error {
	if q.Header.Get("X-Amz-Copy-Source") != "" {
		return notImplemented("header", "x-amz-copy-source")
	}
	given := q.URL.Query().Get("partNumber")
	number, err := strconv.Atoi(given)
	if err != nil || number < 1 || number > bucket.MaxParts {
		return invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", given)
	}
	u, err := q.upload()
	if err != nil {
		return err
	}
	var facts bucket.Facts
	err = d.Buckets.PutPart(q.Context(), q.call.Account, q.bucket, q.key, q.uploadID(), number, u, func() (bucket.Facts, error) {
		facts, err = u.seal()
		return facts, err
	})
	if err != nil {
		return err
	}
	q.w.Header()["ETag"] = []string{quoted(facts.ETag)}
	q.w.Header().Set(checksumHeader+facts.Algorithm, facts.Checksum)
	q.answer(http.StatusOK)
	return nil
}

type completeRequest struct {
	Parts []struct {
		PartNumber int
		ETag       string
	} `xml:"Part"`
}

type completeResult struct {
	XMLName   xml.Name `xml:"CompleteMultipartUploadResult"`
	Namespace string   `xml:"xmlns,attr"`
	Location  string
	Bucket    string
	Key       string
	ETag      string
}

// completeMultipartUpload makes an object of the parts.
func (d *Door) completeMultipartUpload(q *request) error {
	condition, err := q.writeCondition()
	if err != nil {
		return err
	}
	var in completeRequest
	for name := range q.Header { // a checksum is that of the object, not of this body
		if rest, ok := strings.CutPrefix(name, checksumHeader); ok && algorithms[strings.ToUpper(rest)] != nil {
			return notImplemented("header", strings.ToLower(name))
		}
	}
	if there, err := q.readDocument(&in); err != nil {
		return err
	} else if !there || len(in.Parts) == 0 || len(in.Parts) > bucket.MaxParts {
		return &failure{code: "MalformedXML"}
	}
	parts := make([]bucket.Part, len(in.Parts))
	for i, p := range in.Parts {
		parts[i] = bucket.Part{Number: p.PartNumber, ETag: unquoted(p.ETag)}
	}
	o, err := d.Buckets.CompleteUpload(q.Context(), q.call.Account, q.bucket, q.key, q.uploadID(), parts, condition, combine)
	if err != nil {
		return err
	}
	q.document(http.StatusOK, completeResult{
		Namespace: namespace, Location: q.call.Scheme + "://" + q.call.Host + "/" + q.bucket + "/" + encodeKey(q.key),
		Bucket: q.bucket, Key: q.key, ETag: quoted(o.ETag),
	})
	return nil
}

// combine makes what is known of an object from what is known of its parts: the tag is the MD5 of their MD5s with their
// number, and so is a checksum, when the upload has one.
func combine(u bucket.Upload, parts []bucket.PartInfo) (bucket.Facts, error) {
	facts := u.Facts
	tags := md5.New()
	var sum hash.Hash
	if facts.Algorithm != "" {
		sum = algorithms[facts.Algorithm]()
	}
	for _, p := range parts {
		raw, err := hex.DecodeString(p.ETag)
		if err != nil {
			return facts, err
		}
		tags.Write(raw)
		if sum == nil {
			continue
		}
		if p.Algorithm != facts.Algorithm {
			return facts, invalidRequest("The upload was created using a " + strings.ToLower(facts.Algorithm) + " checksum. The complete request must include the checksum for each part. It was missing for part " + strconv.Itoa(p.Number) + " in the request.")
		}
		if raw, err = base64.StdEncoding.DecodeString(p.Checksum); err != nil {
			return facts, err
		}
		sum.Write(raw)
	}
	facts.ETag = fmt.Sprintf("%x-%d", tags.Sum(nil), len(parts))
	if sum != nil {
		facts.Checksum = fmt.Sprintf("%s-%d", encodeSum(sum), len(parts))
	}
	return facts, nil
}

// abortMultipartUpload gives an upload up.
func (d *Door) abortMultipartUpload(q *request) error {
	if err := d.Buckets.DropUpload(q.Context(), q.call.Account, q.bucket, q.key, q.uploadID()); err != nil {
		return err
	}
	q.answer(http.StatusNoContent)
	return nil
}

type listedPart struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
}

type partsResult struct {
	XMLName              xml.Name `xml:"ListPartsResult"`
	Namespace            string   `xml:"xmlns,attr"`
	Bucket               string
	Key                  string
	UploadID             string `xml:"UploadId"`
	PartNumberMarker     int
	NextPartNumberMarker *int
	MaxParts             int
	IsTruncated          bool
	Parts                []listedPart `xml:"Part"`
	StorageClass         string
}

// listParts lists the parts of an upload.
func (d *Door) listParts(q *request) error {
	parts, err := d.Buckets.Parts(q.Context(), q.call.Account, q.bucket, q.key, q.uploadID())
	if err != nil {
		return err
	}
	params := q.URL.Query()
	out := partsResult{
		Namespace: namespace, Bucket: q.bucket, Key: q.key, UploadID: q.uploadID(), MaxParts: maxKeys, StorageClass: "STANDARD",
	}
	if n, err := strconv.Atoi(params.Get("max-parts")); err == nil && n >= 0 {
		out.MaxParts = min(n, maxKeys)
	}
	if n, err := strconv.Atoi(params.Get("part-number-marker")); err == nil {
		out.PartNumberMarker = n
	}
	for _, p := range parts {
		if p.Number <= out.PartNumberMarker {
			continue
		}
		if len(out.Parts) == out.MaxParts {
			out.IsTruncated = true
			break
		}
		out.Parts = append(out.Parts, listedPart{p.Number, isoTime(p.Modified), quoted(p.ETag), p.Size})
		out.NextPartNumberMarker = new(p.Number)
	}
	q.document(http.StatusOK, out)
	return nil
}

type listedUpload struct {
	Key          string
	UploadID     string `xml:"UploadId"`
	StorageClass string
	Initiated    string
}

type uploadsResult struct {
	XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
	Namespace          string   `xml:"xmlns,attr"`
	Bucket             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      *string
	NextUploadIDMarker *string `xml:"NextUploadIdMarker"`
	Prefix             *string
	MaxUploads         int
	EncodingType       *string
	IsTruncated        bool
	Uploads            []listedUpload `xml:"Upload"`
}

// behind reports whether an upload comes after the page before.
func (r *uploadsResult) behind(u bucket.Upload) bool {
	return u.Key > r.KeyMarker || u.Key == r.KeyMarker && r.UploadIDMarker != "" && u.ID > r.UploadIDMarker
}

// listMultipartUploads lists the uploads to a bucket that were begun, in the order of their keys, those to one key by their
// ids. A page begins behind a key, or, when an upload is named too, behind that.
func (d *Door) listMultipartUploads(q *request) error {
	params := q.URL.Query()
	if params.Get("delimiter") != "" {
		return notImplemented("parameter", "delimiter")
	}
	encode, err := keyEncoding(params.Get("encoding-type"))
	if err != nil {
		return err
	}
	limit := maxKeys
	if given := params.Get("max-uploads"); given != "" {
		n, err := strconv.ParseInt(given, 10, 32)
		if err != nil || n < 0 {
			return invalidArgument("Provided max-uploads not an integer or within integer range", "max-uploads", given)
		}
		limit = min(int(n), maxKeys)
	}
	uploads, err := d.Buckets.Uploads(q.Context(), q.call.Account, q.bucket)
	if err != nil {
		return err
	}
	slices.SortFunc(uploads, func(a, b bucket.Upload) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.ID, b.ID))
	})
	prefix := params.Get("prefix")
	out := uploadsResult{
		Namespace: namespace, Bucket: q.bucket, Prefix: protocol.Optional(encode(prefix)), MaxUploads: limit,
		EncodingType: protocol.Optional(params.Get("encoding-type")), KeyMarker: params.Get("key-marker"), UploadIDMarker: params.Get("upload-id-marker"),
	}
	for _, u := range uploads {
		switch {
		case !strings.HasPrefix(u.Key, prefix), !out.behind(u):
			continue
		case len(out.Uploads) == limit:
			out.IsTruncated = limit > 0
		}
		if len(out.Uploads) == limit {
			break
		}
		out.Uploads = append(out.Uploads, listedUpload{encode(u.Key), u.ID, "STANDARD", isoTime(u.Begun)})
	}
	out.KeyMarker = encode(out.KeyMarker)
	if out.IsTruncated {
		last := out.Uploads[limit-1]
		out.NextKeyMarker, out.NextUploadIDMarker = &last.Key, &last.UploadID
	}
	q.document(http.StatusOK, out)
	return nil
}
