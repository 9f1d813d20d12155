package s3

import (
	"maps"
	"strings"

	"github.com/millrace/millrace/aws/signature"
)

// takeHeaders takes the headers that stand in a URL that is signed in version 2 for headers, as its signature does, and leaves
// in the URL what is of the operation. So nothing that was signed is passed over, wherever the request is carried out.
func (q *request) takeHeaders() error {
	params := q.URL.Query()
	if !signature.IsVersion2(params) {
		return nil
	}
	q.version2 = true
	headers, ok := signature.AmzHeaders(q.Request, params)
	if !ok {
		return &signature.Fault{Kind: signature.Mismatch}
	}
	q.Request = q.Clone(q.Context())
	for name, value := range headers {
		q.Header.Set(name, value)
	}
	for _, name := range []string{"AWSAccessKeyId", "Signature", "Expires", "content-type", "content-md5"} {
		params.Del(name)
	}
	maps.DeleteFunc(params, func(name string, _ []string) bool { return strings.HasPrefix(strings.ToLower(name), "x-amz-") })
	q.URL.RawQuery = params.Encode()
	return nil
}
