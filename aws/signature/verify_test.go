package signature_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/signature"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// asServed is a request as a server reads it that was sent to it.
func asServed(t testing.TB, r *http.Request) (*http.Request, []byte) {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	served, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(served.Body)
	if err != nil {
		t.Fatal(err)
	}
	return served, body
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// signed is a request that AWS's own signer has signed.
func signed(t testing.TB, service, method, url, body string, header map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	payload := hashOf(body)
	if given := r.Header.Get("X-Amz-Content-Sha256"); given != "" {
		payload = given
	} else if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", payload)
	}
	err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: "token"},
		r, payload, service, "eu-west-1", noon, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func verify(t testing.TB, r *http.Request, service, secret string, at time.Time) *signature.Fault {
	t.Helper()
	served, body := asServed(t, r)
	s, fault := signature.Read(served, served.URL.Query())
	if fault != nil {
		return fault
	}
	if service == "s3" {
		body = nil
	}
	_, fault = signature.NewVerifier(clockwork.NewFakeClockAt(at), 0).Verify(served, body, &s, service, secret)
	return fault
}

// What AWS's signer signs is believed, and nothing that differs from it in any byte that is signed.
func TestAgreesWithAWSsSigner(t *testing.T) {
	for name, c := range map[string]struct {
		service, method, url, body string
		header                     map[string]string
	}{
		"json":          {"kinesis", "POST", "http://127.0.0.1:4566/", `{"a":1}`, map[string]string{"X-Amz-Target": "Kinesis_20131202.ListStreams", "Content-Type": "application/x-amz-json-1.1"}},
		"path":          {"lambda", "GET", "http://localhost/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax/a%20b/", "", nil},
		"query":         {"lambda", "GET", "http://localhost/x?b=2&a=%20%2F%C3%A4&a=1&c&A=x+y", "", nil},
		"spaces":        {"sqs", "POST", "http://localhost/", "x", map[string]string{"X-Amz-Meta-A": "  a   b  c "}},
		"object":        {"s3", "PUT", "http://localhost/bucket/a%20b/%C3%A4%2Bc/../d", "body", nil},
		"unsigned body": {"s3", "PUT", "http://localhost/bucket/k", "body", map[string]string{"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}},
	} {
		t.Run(name, func(t *testing.T) {
			make := func() *http.Request { return signed(t, c.service, c.method, c.url, c.body, c.header) }
			if fault := verify(t, make(), c.service, secret, noon); fault != nil {
				t.Fatalf("refused: %+v", fault)
			}
			for what, change := range map[string]func(*http.Request){
				"method": func(r *http.Request) { r.Method = "DELETE" },
				"path":   func(r *http.Request) { r.URL.Path += "x"; r.URL.RawPath = "" },
				"query":  func(r *http.Request) { r.URL.RawQuery += "&z=1" },
				"host":   func(r *http.Request) { r.Host = "elsewhere" },
				"date":   func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260102T120001Z") },
				"token":  func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "other") },
				"added":  func(r *http.Request) { r.Header.Set("X-Amz-Other", "other") },
				"twice":  func(r *http.Request) { r.Header.Add("X-Amz-Date", "20260102T120000Z") },
				"hash":   func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", hashOf("other")) },
				"body": func(r *http.Request) {
					if c.service == "s3" {
						r.Method = "PATCH" // a body of S3 is compared by who reads it
						return
					}
					r.Body, r.ContentLength = io.NopCloser(strings.NewReader("other")), 5
				},
				"signature": func(r *http.Request) {
					a := r.Header.Get("Authorization")
					last := map[bool]string{true: "0", false: "1"}[a[len(a)-1] != '0']
					r.Header.Set("Authorization", a[:len(a)-1]+last)
				},
				"short": func(r *http.Request) { a := r.Header.Get("Authorization"); r.Header.Set("Authorization", a[:len(a)-2]) },
				"long":  func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")+"00") },
			} {
				r := make()
				change(r)
				if fault := verify(t, r, c.service, secret, noon); fault == nil {
					t.Errorf("believed after a change of %s", what)
				}
			}
			if fault := verify(t, make(), c.service, secret+"x", noon); fault == nil || fault.Kind != signature.Mismatch {
				t.Errorf("another secret: %+v", fault)
			}
		})
	}
}

// The published test suite: what has one canonical form has one signature, whatever form it was sent in.
func TestPublishedVectors(t *testing.T) {
	const vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	for name, c := range map[string]struct{ request, signed, signature string }{
		"get-vanilla":           {"GET / HTTP/1.1\n", "", vanilla},
		"get-relative":          {"GET /example/.. HTTP/1.1\n", "", vanilla},
		"get-relative-relative": {"GET /example1/example2/../.. HTTP/1.1\n", "", vanilla},
		"get-slash":             {"GET // HTTP/1.1\n", "", vanilla},
		"get-slash-dot-slash":   {"GET /./ HTTP/1.1\n", "", vanilla},
		"get-vanilla-query":     {"GET / HTTP/1.1\n", "", vanilla},
		"get-vanilla-query-order": {
			"GET /?Param2=value2&Param1=value1 HTTP/1.1\n", "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		"get-header-value-trim": {
			"GET / HTTP/1.1\nMy-Header1: value1\nMy-Header2: \"a   b   c\"\n", "my-header1;my-header2;", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		},
		"post-vanilla":         {"POST / HTTP/1.1\n", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		"post-header-key-case": {"POST / HTTP/1.1\n", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	} {
		text := c.request + "Host: example.amazonaws.com\nX-Amz-Date: 20150830T123600Z\nAuthorization: AWS4-HMAC-SHA256 " +
			"Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;" + c.signed + "x-amz-date, Signature=" + c.signature + "\n\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n"))))
		if err != nil {
			t.Fatal(name, err)
		}
		s, fault := signature.Read(r, nil)
		if fault != nil {
			t.Fatal(name, fault)
		}
		if _, fault = signature.NewVerifier(clockwork.NewFakeClockAt(at), 0).Verify(r, nil, &s, "service", secret); fault != nil {
			t.Errorf("%s: %v", name, fault)
		}
	}
}

func presigned(t testing.TB, service, method, url string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	payload := hashOf("")
	if service == "s3" {
		payload = "UNSIGNED-PAYLOAD"
	}
	link, header, err := v4.NewSigner().PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret},
		r, payload, service, "eu-west-1", noon, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err != nil {
		t.Fatal(err)
	}
	r, err = http.NewRequest(method, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	return r
}

func TestPresigned(t *testing.T) {
	for name, c := range map[string]struct {
		service, url string
		after        time.Duration
		kind         signature.Kind
	}{
		"sts":             {"sts", "http://localhost/?Action=GetCallerIdentity&Version=2011-06-15", 0, 0},
		"sts late":        {"sts", "http://localhost/?Action=GetCallerIdentity&Version=2011-06-15", 16 * time.Minute, signature.Expired},
		"object":          {"s3", "http://localhost/b/a%20b?X-Amz-Expires=60", 59 * time.Second, 0},
		"object late":     {"s3", "http://localhost/b/k?X-Amz-Expires=60", 61 * time.Second, signature.Expired},
		"object early":    {"s3", "http://localhost/b/k?X-Amz-Expires=60", -16 * time.Minute, signature.Clock},
		"too long":        {"s3", "http://localhost/b/k?X-Amz-Expires=604801", 0, signature.Incomplete},
		"without an end":  {"s3", "http://localhost/b/k", 0, signature.Incomplete},
		"with a negative": {"sts", "http://localhost/?X-Amz-Expires=-1", 0, signature.Incomplete},
	} {
		fault := verify(t, presigned(t, c.service, "GET", c.url), c.service, secret, noon.Add(c.after))
		if c.kind == 0 && fault != nil || c.kind != 0 && (fault == nil || fault.Kind != c.kind) {
			t.Errorf("%s: %+v", name, fault)
		}
	}
	r := presigned(t, "s3", "GET", "http://localhost/b/k?X-Amz-Expires=60")
	r.URL.RawQuery += "&versionId=1"
	if fault := verify(t, r, "s3", secret, noon); fault == nil {
		t.Error("believed with a parameter more")
	}
}

// The faults, with AWS's texts.
func TestFaults(t *testing.T) {
	const good = "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/kinesis/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"
	for name, c := range map[string]struct {
		authorization string
		date          string
		kind          signature.Kind
		message       string
	}{
		"none":       {"", "20260102T120000Z", signature.Missing, "signature is not valid"},
		"empty":      {"AWS4-HMAC-SHA256", "", signature.Incomplete, "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"},
		"algorithm":  {strings.Replace(good, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1), "20260102T120000Z", signature.Incomplete, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."},
		"credential": {strings.Replace(good, "/eu-west-1", "", 1), "20260102T120000Z", signature.Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."},
		"date":       {good, "yesterday", signature.Incomplete, "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601"},
		"scope": {
			"AWS4-HMAC-SHA256 Credential=AKID/20260101/EU/sqs/aws3_request, SignedHeaders=host, Signature=00", "20260102T120000Z", signature.Scope,
			"Credential should be scoped to a valid region, not 'EU'. Credential should be scoped to correct service: 'kinesis'. " +
				"Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'. " +
				"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260101' != '20260102', from '20260102T120000Z'. ",
		},
		"late":  {good, "20260102T114459Z", signature.Clock, "Signature expired: 20260102T114459Z is now earlier than 20260102T114500Z (20260102T120000Z - 15 min.)"},
		"early": {good, "20260102T121501Z", signature.Clock, "Signature not yet current: 20260102T121501Z is still later than 20260102T121500Z (20260102T120000Z + 15 min.)"},
		"host":  {strings.Replace(good, "host;", "", 1), "20260102T120000Z", signature.Incomplete, "'Host' must be a 'SignedHeader' in the AWS Authorization."},
		"wrong": {good, "20260102T120000Z", signature.Mismatch, "signature is not valid"},
	} {
		r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader("{}"))
		r.Header.Set("Authorization", c.authorization)
		if c.date != "" {
			r.Header.Set("X-Amz-Date", c.date)
		}
		fault := verify(t, r, "kinesis", secret, noon)
		if fault == nil || fault.Kind != c.kind || fault.Error() != c.message {
			t.Errorf("%s: %+v", name, fault)
		}
	}
}

// Keys of strangers are not kept, and those of others are bounded.
func TestKeysAreBounded(t *testing.T) {
	v := signature.NewVerifier(clockwork.NewFakeClockAt(noon), 0)
	r, body := asServed(t, signed(t, "kinesis", "POST", "http://localhost/", "{}", nil))
	s, _ := signature.Read(r, nil)
	for i := range 5000 {
		if _, fault := v.Verify(r, body, &s, "kinesis", fmt.Sprint(i)); fault == nil {
			t.Fatal("believed")
		}
	}
	if n := v.Keys(); n != 0 {
		t.Errorf("%d keys of strangers", n)
	}
	if _, fault := v.Verify(r, body, &s, "kinesis", secret); fault != nil || v.Keys() != 1 {
		t.Error(fault, v.Keys())
	}
}

// The bodies of AWS's documentation that are sent in chunks.
func TestChain(t *testing.T) {
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	const scope = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
	for name, c := range map[string]struct {
		header   http.Header
		chunks   []string
		trailer  string
		trailers string
	}{
		"chunks": {
			http.Header{
				"Authorization":        {scope + "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"},
				"X-Amz-Content-Sha256": {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, "Content-Length": {"66824"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"},
			},
			[]string{"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
			"", "",
		},
		"chunks and trailers": {
			http.Header{
				"Authorization":        {scope + "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"},
				"X-Amz-Content-Sha256": {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"}, "X-Amz-Trailer": {"x-amz-checksum-crc32c"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"},
			},
			[]string{"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
			"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435", "x-amz-checksum-crc32c:sOO8/Q==\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("PUT", "https://s3.amazonaws.com/examplebucket/chunkObject.txt", nil)
			r.Header = c.header
			r.Header.Set("X-Amz-Date", "20130524T000000Z")
			r.Header.Set("Content-Encoding", "aws-chunked")
			r.Header.Set("X-Amz-Decoded-Content-Length", "66560")
			s, fault := signature.Read(r, nil)
			if fault != nil {
				t.Fatal(fault)
			}
			chain, fault := signature.NewVerifier(clockwork.NewFakeClockAt(at), 0).Verify(r, nil, &s, "s3", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
			if fault != nil || chain == nil {
				t.Fatal(fault)
			}
			for i, size := range []int{65536, 1024, 0} {
				fmt.Fprint(chain, strings.Repeat("a", size))
				if !chain.EndChunk(c.chunks[i]) {
					t.Errorf("chunk %d is refused", i)
				}
			}
			if chain.Trailers() && !chain.EndTrailers(c.trailers, c.trailer) {
				t.Error("the trailers are refused")
			}
			if chain.EndChunk(c.chunks[2]) || chain.EndChunk(c.chunks[0]) {
				t.Error("a chunk is believed in another place")
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("POST", "/a?b=c", "AWS4-HMAC-SHA256 Credential=a/20260102/r/s3/aws4_request, SignedHeaders=host, Signature=00", "20260102T120000Z", "k")
	f.Add("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260102%2Fr%2Fsts%2Faws4_request&X-Amz-Date=20260102T120000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00", "", "", "k")
	v := signature.NewVerifier(clockwork.NewFakeClockAt(noon), 0)
	f.Fuzz(func(t *testing.T, method, target, authorization, date, body string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: h\r\nAuthorization: " + authorization + "\r\nX-Amz-Date: " + date + "\r\n\r\n")))
		if err != nil {
			return
		}
		s, fault := signature.Read(r, r.URL.Query())
		if fault != nil {
			return
		}
		if _, fault := v.Verify(r, []byte(body), &s, s.Service, "secret"); fault == nil {
			// Only AWS's signer can have signed it.
			again := r.Clone(context.Background())
			if s.Presigned || v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: "secret"}, again, hashOf(body), s.Service, s.Region, noon) != nil {
				t.Skip()
			}
		}
	})
}

// FuzzAgree signs requests with AWS's own signer, which have to be believed, and changes one byte of what was signed, after which they
// must not be.
func FuzzAgree(f *testing.F) {
	f.Add("/a%20b/c", "b=2&a=%20%2F&a=1", " x  y ", "body", false, uint16(3))
	f.Add("/bucket/a%20b//c/../d", "uploads&prefix=a+b", "", "", true, uint16(77))
	f.Add("/2015-03-31/functions/arn%3Aaws%3Alambda/invocations", "Qualifier=%24LATEST", "1,2", "{}", false, uint16(500))
	f.Fuzz(func(t *testing.T, path, query, header, body string, s3 bool, at uint16) {
		service := map[bool]string{true: "s3", false: "lambda"}[s3]
		u, err := url.Parse("http://localhost" + path + "?" + query)
		if err != nil || !strings.HasPrefix(path, "/") || !s3 && (strings.Contains(u.EscapedPath(), "//") || strings.Contains(u.EscapedPath(), "/.")) {
			t.Skip() // the signer leaves such paths as they are
		}
		if s3 && u.EscapedPath() != httpbinding.EscapePath(u.Path, false) {
			t.Skip() // an odd spelling is not S3's own, in which it is signed
		}
		if values, err := url.ParseQuery(u.RawQuery); err != nil || values.Has("X-Amz-Algorithm") || strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip()
		}
		if !s3 && len(header) == 0 {
			header = "x"
		}
		r, err := http.NewRequest("POST", u.String(), strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.Header.Set("X-Amz-Meta", header)
		payload := hashOf(body)
		if s3 {
			r.Header.Set("X-Amz-Content-Sha256", payload)
		}
		who := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
		if err := v4.NewSigner().SignHTTP(t.Context(), who, r, payload, service, "eu-west-1", noon, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s3 }); err != nil {
			t.Skip()
		}
		if fault := verify(t, r.Clone(t.Context()), service, secret, noon); fault != nil {
			t.Fatalf("%s: refused: %+v", r.URL, fault)
		}
		if s3 && u.Path == "" || body == "" {
			return
		}
		r.Body = io.NopCloser(strings.NewReader(body))
		switch i := int(at); {
		case i%2 == 0 && !s3: // a body of S3 is compared by who reads it
			changed := []byte(body)
			changed[i%len(changed)] ^= 1
			r.Body = io.NopCloser(strings.NewReader(string(changed)))
		default:
			r.URL.RawQuery += "&q"
		}
		if fault := verify(t, r, service, secret, noon); fault == nil {
			t.Fatalf("%s: believed after a change", r.URL)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r, body := asServed(b, signed(b, "kinesis", "POST", "http://127.0.0.1:4566/", strings.Repeat("a", size),
				map[string]string{"X-Amz-Target": "Kinesis_20131202.PutRecords", "Content-Type": "application/x-amz-json-1.1", "Amz-Sdk-Request": "attempt=1; max=3"}))
			v := signature.NewVerifier(clockwork.NewFakeClockAt(noon), 0)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				s, fault := signature.Read(r, nil)
				if fault == nil {
					_, fault = v.Verify(r, body, &s, "kinesis", secret)
				}
				if fault != nil {
					b.Fatal(fault)
				}
			}
		})
	}
}
