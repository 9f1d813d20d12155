package s3

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"strconv"
	"strings"

	"github.com/millrace/millrace/bucket"
)

// upload is the body of a request as bytes of an object: decoded, measured and summed up while it is read.
type upload struct {
	q       *request
	from    io.Reader
	chunked *chunkedReader // when the body is aws-chunked
	want    int64          // how many bytes there must be
	got     int64

	md5       hash.Hash
	sha256    hash.Hash // nil when not asked for
	sum       hash.Hash
	algorithm string
	checksum  string // as given in a header
	trailing  bool   // it comes at the end
}

// upload begins to read the body.
func (q *request) upload() (*upload, error) {
	u := &upload{q: q, from: q.Body, want: q.ContentLength, md5: md5.New()}
	var err error
	if u.algorithm, u.checksum, u.trailing, err = givenChecksum(q.Header); err != nil {
		return nil, err
	}
	name := u.algorithm
	if name == "" {
		name = defaultAlgorithm
	}
	u.sum = algorithms[name]()
	content := q.Header.Get("X-Amz-Content-Sha256")
	if strings.HasPrefix(content, "STREAMING-") {
		length := q.Header.Get("X-Amz-Decoded-Content-Length")
		if u.want, err = strconv.ParseInt(length, 10, 64); err != nil || u.want < 0 {
			return nil, &failure{code: "MissingContentLength"}
		}
		u.chunked = newChunkedReader(q.Body, q.call.Caller.Chain)
		u.from = u.chunked
	} else if len(content) == sha256.Size*2 {
		u.sha256 = sha256.New()
	}
	switch {
	case u.want < 0:
		return nil, &failure{code: "MissingContentLength"}
	case u.want > bucket.MaxObjectBytes:
		return nil, &failure{code: "EntityTooLarge", fields: []field{
			{"ProposedSize", strconv.FormatInt(u.want, 10)}, {"MaxSizeAllowed", strconv.FormatInt(bucket.MaxObjectBytes, 10)},
		}}
	}
	if given := q.Header.Get("Content-Md5"); given != "" {
		if raw, err := base64.StdEncoding.DecodeString(given); err != nil || len(raw) != md5.Size {
			return nil, &failure{code: "InvalidDigest"}
		}
	}
	return u, nil
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	u.got += int64(n)
	if u.got > u.want {
		return 0, &failure{code: "IncompleteBody"}
	}
	u.md5.Write(p[:n])
	u.sum.Write(p[:n])
	if u.sha256 != nil {
		u.sha256.Write(p[:n])
	}
	if err != nil && err != io.EOF && isEnd(err) || err == io.EOF && u.got < u.want {
		err = &failure{code: "IncompleteBody"}
	}
	return n, err
}

// seal checks, at the end of the body, what the client said of it, and returns what is known of the object by its bytes.
func (u *upload) seal() (bucket.Facts, error) {
	sum := u.md5.Sum(nil)
	if given := u.q.Header.Get("Content-Md5"); given != "" && given != base64.StdEncoding.EncodeToString(sum) {
		return bucket.Facts{}, &failure{code: "BadDigest"}
	}
	if u.sha256 != nil && !strings.EqualFold(hex.EncodeToString(u.sha256.Sum(nil)), u.q.Header.Get("X-Amz-Content-Sha256")) {
		return bucket.Facts{}, &failure{
			code: "XAmzContentSHA256Mismatch", text: "The provided 'x-amz-content-sha256' header does not match what was computed.",
		}
	}
	f := bucket.Facts{ETag: hex.EncodeToString(sum), Algorithm: u.algorithm, Checksum: encodeSum(u.sum)}
	if f.Algorithm == "" {
		f.Algorithm = defaultAlgorithm
	}
	given := u.checksum
	if u.trailing {
		if u.chunked == nil {
			return f, &failure{code: "MalformedTrailerError", text: "The request contained trailing data that was not well-formed or did not conform to our published schema."}
		}
		given = u.chunked.trailer[strings.ToLower(checksumHeader+u.algorithm)]
		if !validChecksum(u.algorithm, given) {
			return f, invalidRequest("Value for " + strings.ToLower(checksumHeader+u.algorithm) + " trailing header is invalid.")
		}
	}
	if given != "" && given != f.Checksum {
		return f, &failure{code: "BadDigest", text: "The " + u.algorithm + " you specified did not match the calculated checksum."}
	}
	return f, nil
}
