package s3

import (
	"maps"
	"net/url"
	"strings"

	"github.com/millrace/millrace/aws/signature"
)

// takeHeaders takes the headers that stand in a presigned URL for headers, as its signature does, and leaves in the URL what is
// of the operation, or of a signature of version 4. So nothing that was signed is passed over, wherever the request is carried out.
func (q *request) takeHeaders() error {
	params, own := q.URL.Query(), url.Values{}
	switch {
	case signature.IsVersion2(params):
		q.version2 = true
	case params.Has("X-Amz-Algorithm"):
		own = takeOwn(params)
		maps.DeleteFunc(params, func(name string, _ []string) bool { return isChecksum(name) })
	default:
		return nil
	}
	headers, ok := signature.AmzHeaders(q.Request, params)
	if !ok {
		return &signature.Fault{Kind: signature.Mismatch}
	}
	q.Request = q.Clone(q.Context())
	for name, value := range headers {
		q.Header.Set(name, value)
	}
	if q.version2 {
		for _, name := range []string{"AWSAccessKeyId", "Signature", "Expires", "content-type", "content-md5"} {
			params.Del(name)
		}
	}
	maps.DeleteFunc(params, func(name string, _ []string) bool { return strings.HasPrefix(strings.ToLower(name), "x-amz-") })
	maps.Copy(params, own)
	q.URL.RawQuery = params.Encode()
	return nil
}

// takeOwn takes out of the parameters those that a signature of version 4 is made of, and returns them.
func takeOwn(params url.Values) url.Values {
	own := url.Values{}
	for _, name := range []string{
		"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
		"X-Amz-Security-Token", "X-Amz-Content-Sha256",
	} {
		if values, there := params[name]; there {
			own[name] = values
			delete(params, name)
		}
	}
	return own
}

// isChecksum reports whether a header is the checksum of a body. S3 passes over those that stand in a URL
// signed in version 4: it takes a body whose checksum is another. It has to, for AWS's client for JavaScript writes that of an
// empty body into each URL for a put, since it knows no other.
func isChecksum(name string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(name), strings.ToLower(checksumHeader))
	return ok && algorithms[strings.ToUpper(rest)] != nil
}
