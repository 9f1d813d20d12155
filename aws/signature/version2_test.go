package signature_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/signature"
)

func hmacSHA1(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func readRequest(t *testing.T, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// AWS's examples. Those that stand in a header have a date where a URL has the end of its time; all else is the same.
func TestPublishedVersion2(t *testing.T) {
	for name, c := range map[string]struct{ request, bucket, date, signature string }{
		"query": {"GET /photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620 HTTP/1.1\nHost: johnsmith.s3.amazonaws.com", "johnsmith", "1175139620", "NpgCjnDzrM+WFzoENXmpNDUsSn8="},
		"get":   {"GET /photos/puppy.jpg HTTP/1.1\nHost: johnsmith.s3.amazonaws.com", "johnsmith", "Tue, 27 Mar 2007 19:36:42 +0000", "bWq2s1WEIj+Ydj0vQ697zp+IXMU="},
		"put":   {"PUT /photos/puppy.jpg HTTP/1.1\nHost: johnsmith.s3.amazonaws.com\nContent-Type: image/jpeg\nContent-Length: 94328", "johnsmith", "Tue, 27 Mar 2007 21:15:45 +0000", "MyyxeRY7whkBe+bq8fHCL/2kKUg="},
		"list":  {"GET /?prefix=photos&max-keys=50&marker=puppy HTTP/1.1\nHost: johnsmith.s3.amazonaws.com", "johnsmith", "Tue, 27 Mar 2007 19:42:41 +0000", "htDYFYduRNen8P9ZfE/s9SuKy0U="},
		"fetch": {"GET /?acl HTTP/1.1\nHost: johnsmith.s3.amazonaws.com", "johnsmith", "Tue, 27 Mar 2007 19:44:46 +0000", "c2WLPFtWHVgbEmeEG93a4cG37dM="},
		"upload": {
			"PUT /db-backup.dat.gz HTTP/1.1\nHost: static.johnsmith.net:8080\nx-amz-acl: public-read\ncontent-type: application/x-download\n" +
				"Content-MD5: 4gJE4saaMU4BqNR0kLY+lw==\nX-Amz-Meta-ReviewedBy: joe@johnsmith.net\nX-Amz-Meta-ReviewedBy: jane@johnsmith.net\n" +
				"X-Amz-Meta-FileChecksum: 0x02661779\nX-Amz-Meta-ChecksumAlgorithm: crc32\nContent-Disposition: attachment; filename=database.dat\nContent-Encoding: gzip",
			"static.johnsmith.net", "Tue, 27 Mar 2007 21:06:08 +0000", "ilyl83RwaSoYIEdixDQcA4OnAnc=",
		},
		"buckets": {"GET / HTTP/1.1\nHost: s3.amazonaws.com", "", "Wed, 28 Mar 2007 01:29:59 +0000", "qGdzdERIC03wnaRNKh6OqZehG9s="},
		"unicode": {"GET /dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re HTTP/1.1\nHost: s3.amazonaws.com", "", "Wed, 28 Mar 2007 01:49:49 +0000", "DNEZGsoieTZ92F3bUfSPQcbGmlM="},
	} {
		s := signature.Signature{Bucket: c.bucket, Expires: c.date}
		if text := signature.StringToSign2(readRequest(t, c.request), &s); hmacSHA1("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", text) != c.signature {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// version2 is a request with a URL of version 2 whose string to sign is given.
func version2(t *testing.T, method, target, toSign string, header ...string) *http.Request {
	t.Helper()
	mark := map[bool]string{true: "&", false: "?"}[strings.Contains(target, "?")]
	target += mark + "AWSAccessKeyId=AKID&Signature=" + url.QueryEscape(hmacSHA1(secret, toSign)) + "&Expires=" + strconv.FormatInt(noon.Unix(), 10)
	return readRequest(t, strings.Join(append([]string{method + " " + target + " HTTP/1.1", "Host: localhost"}, header...), "\n"))
}

func verify2(r *http.Request, service string, at time.Time) signature.Kind {
	s, fault := signature.Read(r, r.URL.Query())
	if fault == nil {
		_, fault = signature.NewVerifier(clockwork.NewFakeClockAt(at), 0).Verify(r, nil, &s, service, secret)
	}
	if fault == nil {
		return 0
	}
	return fault.Kind
}

// What is in a URL of version 2 is signed wherever it stands, and nothing else is believed.
func TestVersion2(t *testing.T) {
	end := strconv.FormatInt(noon.Unix(), 10) + "\n"
	const put, typed = "PUT\n\ntext/plain\n", "Content-Type: text/plain"
	meta := put + end + "x-amz-meta-a:x  y\nx-amz-security-token:t/+=\n/b/a%20b"
	for name, c := range map[string]struct {
		r    *http.Request
		kind signature.Kind
	}{
		"get":                    {version2(t, "GET", "/b/k", "GET\n\n\n"+end+"/b/k"), 0},
		"another method":         {version2(t, "HEAD", "/b/k", "GET\n\n\n"+end+"/b/k"), signature.Mismatch},
		"another key":            {version2(t, "GET", "/b/k2", "GET\n\n\n"+end+"/b/k"), signature.Mismatch},
		"escaped otherwise":      {version2(t, "GET", "/b/%6b", "GET\n\n\n"+end+"/b/k"), signature.Mismatch},
		"override":               {version2(t, "GET", "/b/k?response-content-type=a%3B+b%26c", "GET\n\n\n"+end+"/b/k?response-content-type=a; b&c"), 0},
		"override added":         {version2(t, "GET", "/b/k?response-content-type=a", "GET\n\n\n"+end+"/b/k"), signature.Mismatch},
		"in order":               {version2(t, "PUT", "/b/k?uploadId=u&partNumber=1", "PUT\n\n\n"+end+"/b/k?partNumber=1&uploadId=u"), 0},
		"twice":                  {version2(t, "PUT", "/b/k?uploadId=v&uploadId=u&partNumber=1", "PUT\n\n\n"+end+"/b/k?partNumber=1&uploadId=u"), signature.Mismatch},
		"name escaped":           {version2(t, "GET", "/b/k?%75ploadId=u", "GET\n\n\n"+end+"/b/k"), signature.Mismatch},
		"half a query":           {version2(t, "GET", "/b/k?a;b", "GET\n\n\n"+end+"/b/k"), signature.Mismatch},
		"headers in the URL":     {version2(t, "PUT", "/b/a%20b?x-amz-meta-a=+x++y+&x-amz-security-token=t%2F%2B%3D", meta, typed), 0},
		"headers":                {version2(t, "PUT", "/b/a%20b?x-amz-security-token=t%2F%2B%3D", meta, typed, "X-Amz-Meta-A:  x  y "), 0},
		"both":                   {version2(t, "PUT", "/b/a%20b?x-amz-meta-a=x++y&x-amz-security-token=t%2F%2B%3D", meta, typed, "X-Amz-Meta-A: x  y"), 0},
		"both and different":     {version2(t, "PUT", "/b/a%20b?x-amz-meta-a=x++y&x-amz-security-token=t%2F%2B%3D", meta, typed, "X-Amz-Meta-A: z"), signature.Mismatch},
		"both in two spellings":  {version2(t, "PUT", "/b/a%20b?x-amz-meta-a=x++y&X-Amz-Meta-A=x++y&x-amz-security-token=t%2F%2B%3D", meta, typed), signature.Mismatch},
		"two headers in one":     {version2(t, "PUT", "/b/a%20b?x-amz-meta-a=x++y%0Ax-amz-security-token:t%2F%2B%3D", meta, typed), signature.Mismatch},
		"a colon in a name":      {version2(t, "GET", "/b/k?x-amz-a:b=c", "GET\n\n\n"+end+"x-amz-a:b:c\n/b/k"), signature.Mismatch},
		"a header more":          {version2(t, "GET", "/b/k", "GET\n\n\n"+end+"/b/k", "X-Amz-Acl: private"), signature.Mismatch},
		"a date is not used":     {version2(t, "GET", "/b/k", "GET\n\n\n"+end+"/b/k", "X-Amz-Date: 20260102T120000Z"), 0},
		"type only in the URL":   {version2(t, "PUT", "/b/k?content-type=text%2Fplain", put+end+"/b/k"), signature.Mismatch},
		"digest":                 {version2(t, "PUT", "/b/k", "PUT\nzz==\n\n"+end+"/b/k", "Content-MD5: zz=="), 0},
		"digest left out":        {version2(t, "PUT", "/b/k", "PUT\nzz==\n\n"+end+"/b/k"), signature.Mismatch},
		"chunks":                 {version2(t, "PUT", "/b/k", "PUT\n\n\n"+end+"x-amz-content-sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n/b/k", "X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), signature.Payload},
		"and a header":           {version2(t, "GET", "/b/k", "GET\n\n\n"+end+"/b/k", "Authorization: AWS4-HMAC-SHA256 x"), signature.Twice},
		"and version 4":          {version2(t, "GET", "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256", "GET\n\n\n"+end+"/b/k"), signature.Twice},
		"no end":                 {readRequest(t, "GET /b/k?AWSAccessKeyId=a&Signature=b HTTP/1.1\nHost: x"), signature.Incomplete},
		"an end that is none":    {readRequest(t, "GET /b/k?AWSAccessKeyId=a&Signature=b&Expires=tomorrow HTTP/1.1\nHost: x"), signature.Incomplete},
		"an end long ago":        {readRequest(t, "GET /b/k?AWSAccessKeyId=a&Signature=b&Expires=-1 HTTP/1.1\nHost: x"), signature.Expired},
		"an end far ahead":       {readRequest(t, "GET /b/k?AWSAccessKeyId=a&Signature=b&Expires=9223372036854775807 HTTP/1.1\nHost: x"), signature.Mismatch},
		"no signature":           {readRequest(t, "GET /b/k?AWSAccessKeyId=a&Expires=9223372036854775807&Signature=%ff HTTP/1.1\nHost: x"), signature.Mismatch},
		"a header of version 2":  {readRequest(t, "GET /b/k HTTP/1.1\nHost: x\nAuthorization: AWS AKID:sig="), signature.Mechanism},
		"the query protocol's 2": {readRequest(t, "GET /?AWSAccessKeyId=a&Signature=b&SignatureVersion=2 HTTP/1.1\nHost: x"), signature.Missing},
	} {
		if kind := verify2(c.r, "s3", noon); kind != c.kind {
			t.Errorf("%s: %d, want %d", name, kind, c.kind)
		}
	}
	r := version2(t, "GET", "/b/k", "GET\n\n\n"+end+"/b/k")
	if kind := verify2(r, "s3", noon.Add(time.Second)); kind != signature.Expired {
		t.Errorf("a second late: %d", kind)
	}
	if kind := verify2(r, "lambda", noon); kind != signature.Incomplete {
		t.Errorf("for another service: %d", kind)
	}
	if service := signature.ScopeService(r, r.URL.Query()); service != "s3" {
		t.Errorf("goes to %q", service)
	}
}
