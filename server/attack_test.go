package server_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/millrace/millrace/server"
)

func decode(t *testing.T, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

var listStreams = http.Header{"X-Amz-Target": {"Kinesis_20131202.ListStreams"}, "Content-Type": {"application/x-amz-json-1.1"}}

// TestTamperedRequests changes requests on their way that were signed as they should be.
func TestTamperedRequests(t *testing.T) {
	address := judging(t, server.AuthSigned)
	for name, change := range map[string]func(r *http.Request){
		"body":            func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{"Limit":1}`)), 11 },
		"no body":         func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{ }`)), 3 },
		"operation":       func(r *http.Request) { r.Header.Set("X-Amz-Target", "Kinesis_20131202.DeleteStream") },
		"operation twice": func(r *http.Request) { r.Header.Add("X-Amz-Target", "Kinesis_20131202.DeleteStream") },
		"operation before": func(r *http.Request) {
			r.Header["X-Amz-Target"] = []string{"Kinesis_20131202.DeleteStream", "Kinesis_20131202.ListStreams"}
		},
		"service": func(r *http.Request) {
			r.Header.Set("X-Amz-Target", "AmazonSQS.ListQueues")
			r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		},
		"host":          func(r *http.Request) { r.Host = "elsewhere.example" },
		"a token":       func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "AAAA") },
		"a header more": func(r *http.Request) { r.Header.Set("X-Amz-Invocation-Type", "Event") },
		"another authorization": func(r *http.Request) {
			r.Header["Authorization"] = []string{"AWS4-HMAC-SHA256 Credential=AKIAUNKNOWN/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=00", r.Header.Get("Authorization")}
		},
		"two signatures": func(r *http.Request) { r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256" },
		"a day later": func(r *http.Request) {
			r.Header.Set("X-Amz-Date", time.Now().Add(24*time.Hour).UTC().Format("20060102T150405Z"))
		},
		"rpc beside it": func(r *http.Request) {
			r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
			r.URL.Path = "/service/GraniteServiceVersion20100801/operation/ListMetrics"
		},
		"signature left out": func(r *http.Request) { r.Header.Del("Authorization") },
		"unsigned payload": func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		},
		"headers unnamed": func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", strings.Replace(a, ";x-amz-target", "", 1))
		},
	} {
		r := signed(t, root, http.MethodPost, address+"/", "kinesis", "{}", listStreams)
		change(r)
		if status, text := do(t, r); status < 400 || status >= 500 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, text := do(t, signed(t, root, http.MethodPost, address+"/", "kinesis", "{}", listStreams)); status != 200 {
		t.Errorf("untouched: %d %s", status, text)
	}
}

// TestTamperedChunks changes a body that is signed chunk by chunk.
func TestTamperedChunks(t *testing.T) {
	address := judging(t, server.AuthSigned)
	c, _ := as(address, root)
	c.prepare(t)
	for name, change := range map[string]func(string) string{
		"untouched":      func(body string) string { return body },
		"a byte":         func(body string) string { return strings.Replace(body, "xxx", "xyx", 1) },
		"no signature":   func(body string) string { return strings.Replace(body, ";chunk-signature=", ";other=", 1) },
		"the end is off": func(body string) string { return body[:strings.LastIndex(body, "0;chunk-signature=")] },
		"swapped": func(body string) string {
			return strings.Replace(strings.Replace(strings.Replace(body, "xxxx", "?", 1), "yyyy", "xxxx", 1), "?", "yyyy", 1)
		},
	} {
		status, text := do(t, chunked(t, address, name, change))
		if name == "untouched" && status != 200 || name != "untouched" && (status < 400 || status >= 500) {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if _, err := c.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("failures"), Key: aws.String(name)}); (err == nil) != (name == "untouched") {
			t.Errorf("%s: the object: %v", name, err)
		}
	}
}

// chunked signs a body of two chunks, as S3's clients do, and changes it.
func chunked(t *testing.T, address, key string, change func(string) string) *http.Request {
	t.Helper()
	const streaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	parts := []string{"xxxx", "yyyy", ""}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address+"/failures/"+url.PathEscape(key), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", streaming)
	r.Header.Set("X-Amz-Decoded-Content-Length", "8")
	r.Header.Set("Content-Encoding", "aws-chunked")
	now := time.Now().UTC()
	if err := signer.SignHTTP(t.Context(), root, r, streaming, "s3", "us-east-1", now, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }); err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	day, stamp := now.Format("20060102"), now.Format("20060102T150405Z")
	mac := []byte("AWS4" + root.SecretAccessKey)
	for _, part := range []string{day, "us-east-1", "s3", "aws4_request"} {
		mac = hmacOf(mac, part)
	}
	var body strings.Builder
	for _, part := range parts {
		last = hex.EncodeToString(hmacOf(mac, "AWS4-HMAC-SHA256-PAYLOAD\n"+stamp+"\n"+day+"/us-east-1/s3/aws4_request\n"+last+"\n"+hashOf("")+"\n"+hashOf(part)))
		fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s\r\n", len(part), last, part)
	}
	text := change(body.String())
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	return r
}

func hmacOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// presignedV2 is a URL of S3 as boto3 presigns it, good until a moment.
func presignedV2(who aws.Credentials, method, address, path string, until time.Time, params ...string) string {
	end := strconv.FormatInt(until.Unix(), 10)
	mac := hmac.New(sha1.New, []byte(who.SecretAccessKey))
	fmt.Fprintf(mac, "%s\n\n\n%s\n%s", method, end, path)
	query := url.Values{"AWSAccessKeyId": {who.AccessKeyID}, "Expires": {end}, "Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
	for i := 0; i < len(params); i += 2 {
		query.Set(params[i], params[i+1])
	}
	return address + path + "?" + query.Encode()
}

// TestTamperedLinks changes presigned URLs of version 2, and asks with them for more than they are for.
func TestTamperedLinks(t *testing.T) {
	address := judging(t, server.AuthIAM)
	c, _ := as(address, root)
	c.prepare(t)
	if _, err := c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("failures"), Key: aws.String("k"), Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	ann, soon := newUser(t, address, "ann"), time.Now().Add(time.Minute)
	link := presignedV2(root, http.MethodGet, address, "/failures/k", soon)
	const mismatch = "<Code>SignatureDoesNotMatch</Code>"
	for name, l := range map[string]struct {
		method, url, text string
		header            http.Header
	}{
		"method":          {"DELETE", link, mismatch, nil},
		"key":             {"GET", strings.Replace(link, "/k?", "/other?", 1), mismatch, nil},
		"bucket":          {"GET", strings.Replace(link, "/failures/", "/other/", 1), mismatch, nil},
		"slashes":         {"GET", strings.Replace(link, "/k?", "//k?", 1), mismatch, nil},
		"dots":            {"GET", strings.Replace(link, "/k?", "/./k?", 1), mismatch, nil},
		"time":            {"GET", strings.Replace(link, "Expires=", "Expires=1", 1), mismatch, nil},
		"time twice":      {"GET", strings.Replace(link, "Expires=", "Expires=9999999999&Expires=", 1), mismatch, nil},
		"an upload":       {"GET", link + "&uploadId=u", mismatch, nil},
		"a header":        {"GET", link, mismatch, http.Header{"X-Amz-Expected-Bucket-Owner": {"0"}}},
		"one in the URL":  {"GET", link + "&x-amz-copy-source=/other/k", mismatch, nil},
		"in capitals":     {"GET", link + "&X-AMZ-Copy-Source=/other/k", mismatch, nil},
		"a type":          {"GET", link, mismatch, http.Header{"Content-Type": {"text/plain"}}},
		"a token":         {"GET", link + "&x-amz-security-token=t", "<Code>InvalidAccessKeyId</Code>", nil},
		"another's key":   {"GET", strings.Replace(link, root.AccessKeyID, ann.AccessKeyID, 1), mismatch, nil},
		"nobody's key":    {"GET", strings.Replace(link, root.AccessKeyID, "AKIAUNKNOWN", 1), "<Code>InvalidAccessKeyId</Code>", nil},
		"an account":      {"GET", strings.Replace(link, root.AccessKeyID, "000000000000", 1), "<Code>InvalidAccessKeyId</Code>", nil},
		"expired":         {"GET", presignedV2(root, "GET", address, "/failures/k", time.Now().Add(-2*time.Second)), "<Code>AccessDenied</Code><Message>Request has expired</Message>", nil},
		"no time":         {"GET", strings.Replace(link, "Expires=", "Expired=", 1), "<Code>AccessDenied</Code><Message>Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters</Message>", nil},
		"what ann may":    {"GET", presignedV2(ann, "GET", address, "/failures/k", soon), "is not authorized to perform: s3:GetObject", nil},
		"another service": {"GET", presignedV2(root, "GET", address, "/2015-03-31/functions", soon), "<Code>", nil},
		"our own pages":   {"GET", presignedV2(root, "GET", address, "/_millrace/mappings", soon), "", nil},
		"another target":  {"POST", presignedV2(root, "POST", address, "/", soon), "IncompleteSignatureException", listStreams},
		"two signatures":  {"GET", link + "&X-Amz-Algorithm=AWS4-HMAC-SHA256", "<Code>InvalidArgument</Code><Message>Only one auth mechanism allowed", nil},
		"in the header":   {"GET", address + "/failures/k", "<Code>InvalidRequest</Code><Message>The authorization mechanism you have provided is not supported.", http.Header{"Authorization": {"AWS " + root.AccessKeyID + ":c2ln"}}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), l.method, l.url, strings.NewReader(map[bool]string{true: "{}"}[l.method == "POST"]))
		if err != nil {
			t.Fatal(err)
		}
		for header, values := range l.header {
			r.Header[header] = values
		}
		if status, text := do(t, r); status < 400 || status >= 500 || !strings.Contains(text, l.text) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	for name, host := range map[string]string{"untouched": "", "in the host": "failures.s3.localhost", "in a host of localhost": "failures.localhost"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" { // the bucket is signed, not where it stands
			r.Host, r.URL.Path = host, "/k"
		}
		if status, text := do(t, r); status != 200 || text != "x" {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

// TestReplay sends a request again when its time has passed. Within that time it is repeated, as it is at AWS: TLS is what
// keeps others from having it.
func TestReplay(t *testing.T) {
	address := judging(t, server.AuthSigned)
	for name, at := range map[string]time.Duration{"late": -16 * time.Minute, "early": 16 * time.Minute} {
		r := signed(t, root, http.MethodPost, address+"/", "kinesis", "{}", listStreams)
		resign(t, r, root, "{}", time.Now().Add(at))
		if status, text := do(t, r); status != 400 || !strings.Contains(text, "InvalidSignatureException") || !strings.Contains(text, "15 min.") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

// TestSmuggling sends what two readers might take for different requests.
func TestSmuggling(t *testing.T) {
	address := judging(t, server.AuthSigned)
	host := strings.TrimPrefix(address, "http://")
	r := signed(t, root, http.MethodPost, address+"/", "kinesis", "{}", listStreams)
	head := "POST / HTTP/1.1\r\nHost: " + host + "\r\n"
	for name, values := range r.Header {
		head += name + ": " + values[0] + "\r\n"
	}
	hidden := "POST / HTTP/1.1\r\nHost: " + host + "\r\nX-Amz-Target: Kinesis_20131202.ListStreams\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}"
	for name, text := range map[string]string{
		"two lengths":        head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"length and chunks":  head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{   }\r\n0\r\n\r\n",
		"odd encoding":       head + "Transfer-Encoding: xchunked\r\n\r\n{}",
		"two hosts":          head + "Host: other\r\nContent-Length: 2\r\n\r\n{}",
		"space before colon": head + "Content-Length : 2\r\n\r\n{}",
		"folded header":      head + "X-A: b\r\n c\r\nContent-Length: 9\r\n\r\n{      1}",
		"a request behind":   head + "Content-Length: 2\r\n\r\n{}" + hidden,
	} {
		c, err := net.DialTimeout("tcp", host, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprint(c, text)
		_ = c.(*net.TCPConn).CloseWrite()
		var statuses []int
		for reader := bufio.NewReader(c); ; {
			answer, err := http.ReadResponse(reader, nil)
			if err != nil {
				break
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			statuses = append(statuses, answer.StatusCode)
		}
		c.Close()
		// The hidden request is one of its own: it is not signed.
		if name == "a request behind" {
			if fmt.Sprint(statuses) != "[200 400]" {
				t.Errorf("%s: %v", name, statuses)
			}
			continue
		}
		for _, status := range statuses {
			if status < 400 || status > 501 {
				t.Errorf("%s: %v", name, statuses)
			}
		}
	}
}

// TestPathTricks asks for functions in ways that mean another one, or none.
func TestPathTricks(t *testing.T) {
	address := judging(t, server.AuthIAM)
	ann := newUser(t, address, "ann")
	must(t, address, root, "PutUserPolicy", "UserName", "ann", "PolicyName", "own", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"lambda:*","Resource":"arn:aws:lambda:*:*:function:ann-*"}}`)
	for _, path := range []string{
		"/2015-03-31/functions/secret", "/2015-03-31/functions/ann-f/../secret", "/2015-03-31/functions/ann-f%2f..%2fsecret", "/2015-03-31/functions/ann-f/../../functions/secret",
		"/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Asecret", "//2015-03-31/functions/secret", "/2015-03-31/functions/./secret",
		"/2015-03-31/functions/arn:aws:lambda:us-east-1:222222222222:function:ann-f", "/2015-03-31/functions/222222222222:ann-f", "/2015-03-31/functions/secret%00ann-f",
		"/_millrace/mappings", "/_millrace/mappings?x=/health", "/_millrace/../_millrace/mappings", "/metrics",
	} {
		r := signed(t, ann, http.MethodGet, address+"/", "lambda", "", nil)
		r.URL.Opaque = path
		resign(t, r, ann, "", time.Now())
		if status, text := do(t, r); status < 300 || status >= 500 || status == 404 && strings.Contains(text, "function:secret") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	r := signed(t, ann, http.MethodGet, address+"/2015-03-31/functions/ann-f", "lambda", "", nil)
	if status, text := do(t, r); status != 404 {
		t.Errorf("its own: %d %s", status, text)
	}
	page := signed(t, root, http.MethodGet, address+"/_millrace/mappings", "millrace", "", nil)
	if status, text := do(t, page); status != 200 {
		t.Errorf("the page for who may see it: %d %s", status, text)
	}
}

// TestOtherAccounts asks for what belongs to another account.
func TestOtherAccounts(t *testing.T) {
	address := judging(t, server.AuthIAM)
	ann := newUser(t, address, "ann")
	must(t, address, root, "AttachUserPolicy", "UserName", "ann", "PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess")
	for _, c := range [][3]string{
		{"kinesis", "Kinesis_20131202.DescribeStreamSummary", `{"StreamARN":"arn:aws:kinesis:us-east-1:222222222222:stream/orders"}`},
		{"kinesis", "Kinesis_20131202.PutRecord", `{"StreamARN":"arn:aws:kinesis:us-east-1:222222222222:stream/orders","PartitionKey":"k","Data":"eA=="}`},
	} {
		r := signed(t, ann, http.MethodPost, address+"/", c[0], c[2], http.Header{"X-Amz-Target": {c[1]}, "Content-Type": {"application/x-amz-json-1.1"}})
		if status, text := do(t, r); status != 400 || !strings.Contains(text, "because no resource-based policy allows the kinesis:") {
			t.Errorf("%s: %d %s", c[1], status, text)
		}
	}
	form := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {"arn:aws:iam::222222222222:role/admin"}, "RoleSessionName": {"job"}}
	if status, text := do(t, signed(t, ann, http.MethodPost, address+"/", "sts", form.Encode(), formType)); status != 403 {
		t.Errorf("AssumeRole: %d %s", status, text)
	}
	form = url.Values{"Action": {"GetTopicAttributes"}, "Version": {"2010-03-31"}, "TopicArn": {"arn:aws:sns:us-east-1:222222222222:t"}}
	if status, text := do(t, signed(t, ann, http.MethodPost, address+"/", "sns", form.Encode(), formType)); status != 403 {
		t.Errorf("GetTopicAttributes: %d %s", status, text)
	}
}

// TestOversized sends too much of everything that a signature or an identity has.
func TestOversized(t *testing.T) {
	address := judging(t, server.AuthIAM)
	long := strings.Repeat("a", 50_000)
	for name, change := range map[string]func(r *http.Request){
		"token": func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", long) },
		"access key": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AKIA", long, 1))
		},
		"signature": func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")+long) },
		"signed headers": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "SignedHeaders=", "SignedHeaders="+strings.Repeat("a;", 20_000), 1))
		},
		"header": func(r *http.Request) { r.Header.Set("X-Other", strings.Repeat("a", 200_000)) },
		"query":  func(r *http.Request) { r.URL.RawQuery = strings.Repeat("a&", 20_000) },
	} {
		r := signed(t, root, http.MethodPost, address+"/", "kinesis", "{}", listStreams)
		change(r)
		if status, text := do(t, r); status < 400 || status >= 500 {
			t.Errorf("%s: %d %.200s", name, status, text)
		}
	}
	for name, pairs := range map[string][]string{
		"policy":     {"PutRolePolicy", "RoleName", "r", "PolicyName", "p", "PolicyDocument", `{"Statement":{"Effect":"Allow","Action":"a:` + strings.Repeat("b", 11_000) + `","Resource":"*"}}`},
		"deep":       {"PutRolePolicy", "RoleName", "r", "PolicyName", "p", "PolicyDocument", strings.Repeat("[", 100_000)},
		"name":       {"CreateUser", "UserName", strings.Repeat("a", 65)},
		"no policy":  {"PutRolePolicy", "RoleName", "r", "PolicyName", "p", "PolicyDocument", "{"},
		"trust":      {"CreateRole", "RoleName", "s", "AssumeRolePolicyDocument", "{}"},
		"whole form": {"CreateUser", "UserName", strings.Repeat("a", 2<<20)},
	} {
		if name == "policy" {
			must(t, address, root, "CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`)
		}
		if status, text := ask(t, address, root, pairs[0], pairs[1:]...); status < 400 || status >= 500 {
			t.Errorf("%s: %d %.300s", name, status, text)
		}
	}
}

// resign signs a request again, for another time.
func resign(t *testing.T, r *http.Request, who aws.Credentials, body string, at time.Time) {
	t.Helper()
	sum := hashOf(body)
	if err := signer.SignHTTP(t.Context(), who, r, sum, map[bool]string{true: "lambda", false: "kinesis"}[r.Method == http.MethodGet], "us-east-1", at); err != nil {
		t.Fatal(err)
	}
}
