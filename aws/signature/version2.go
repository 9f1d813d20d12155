package signature

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Version2 is the algorithm of S3's presigned URLs of version 2, which do not name it. They are what boto3 and AWS's command
// line make unless told otherwise.
const Version2 = "HMAC-SHA1"

// tokenParameter is where such a URL has its session token.
const tokenParameter = "x-amz-security-token"

// IsVersion2 reports whether the parameters are those of S3's presigned URLs of version 2. Those of the query protocol's
// version 2 say so.
func IsVersion2(params url.Values) bool {
	return params.Has("AWSAccessKeyId") && !params.Has("SignatureVersion")
}

func readVersion2(r *http.Request, params url.Values) (Signature, *Fault) {
	s := Signature{
		Algorithm:   Version2,
		AccessKeyID: params.Get("AWSAccessKeyId"),
		Signature:   params.Get("Signature"),
		Token:       params.Get(tokenParameter),
		Expires:     params.Get("Expires"),
		Presigned:   true,
	}
	if s.Token == "" {
		s.Token = r.Header.Get(tokenParameter)
	}
	if s.AccessKeyID == "" || s.Signature == "" || s.Expires == "" {
		return Signature{}, &Fault{Kind: Incomplete, Message: "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"}
	}
	return s, nil
}

// verifyVersion2 reports whether a URL was signed with the secret and is still good. Its body is not signed.
func (v *Verifier) verifyVersion2(r *http.Request, s *Signature, secret string) *Fault {
	until, err := strconv.ParseInt(s.Expires, 10, 64)
	if err != nil {
		return &Fault{Kind: Incomplete, Message: "Invalid date (should be seconds since epoch): " + s.Expires}
	}
	if v.clock.Now().Unix() > until {
		return &Fault{Kind: Expired}
	}
	if given := r.Header.Get("X-Amz-Content-Sha256"); given == streamingPayload || given == streamingTrailer {
		return &Fault{Kind: Payload, Message: "x-amz-content-sha256 must not announce signed chunks when the request is signed in version 2."}
	}
	text, ok := appendVersion2(nil, r, s)
	if !ok {
		return &Fault{Kind: Mismatch}
	}
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write(text)
	given, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil || !hmac.Equal(mac.Sum(nil), given) {
		return &Fault{Kind: Mismatch}
	}
	return nil
}

// appendVersion2 appends what was signed: the string to sign of S3's version 2, with the end of the URL's time in the place
// of a date.
func appendVersion2(b []byte, r *http.Request, s *Signature) ([]byte, bool) {
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return b, false
	}
	headers, ok := AmzHeaders(r, params)
	if !ok {
		return b, false
	}
	for _, line := range []string{r.Method, r.Header.Get("Content-Md5"), r.Header.Get("Content-Type"), s.Expires} {
		b = append(append(b, strings.TrimSpace(line)...), '\n')
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if name == "x-amz-date" { // which is not used in URLs
			continue
		}
		b = append(append(append(append(b, name...), ':'), headers[name]...), '\n')
	}
	if s.Bucket != "" {
		b = append(append(b, '/'), s.Bucket...)
	}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	return appendSubresources(append(b, path...), params), true
}

// subresources are the parameters that are signed. Their values are, as they were before they were escaped.
var subresources = []string{
	"accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location", "logging", "metrics",
	"notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
	"response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language",
	"response-content-type", "response-expires",
	"restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning",
	"versions", "website",
}

func appendSubresources(b []byte, params url.Values) []byte {
	mark := byte('?')
	for _, name := range subresources {
		for _, value := range params[name] {
			b = append(append(b, mark), name...)
			if value != "" {
				b = append(append(b, '='), value...)
			}
			mark = '&'
		}
	}
	return b
}

// AmzHeaders are the headers that begin with x-amz-, by their names in small letters, of a request whose URL is signed in
// version 2: those that it was sent with and those that stand in the URL, which S3 takes for the same. It is not ok when
// they contradict each other, or when one could not be a header.
func AmzHeaders(r *http.Request, params url.Values) (headers map[string]string, ok bool) {
	headers = map[string]string{}
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			headers[name] = joined(values)
		}
	}
	inURL := map[string]bool{}
	for name, values := range params {
		small := strings.ToLower(name)
		if !strings.HasPrefix(small, "x-amz-") {
			continue
		}
		value := joined(values)
		if given, sent := headers[small]; inURL[small] || sent && given != value || !isHeader(small, value) {
			return nil, false
		}
		headers[small], inURL[small] = value, true
	}
	return headers, true
}

// joined are the values of one header as one.
func joined(values []string) string {
	trimmed := make([]string, len(values))
	for i, value := range values {
		trimmed[i] = textproto.TrimString(value)
	}
	return strings.Join(trimmed, ",")
}

// isHeader reports whether a header may have the name, in small letters, and the value: no other text may be signed the same.
func isHeader(name, value string) bool {
	for i := range len(name) {
		if c := name[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return !strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
}
