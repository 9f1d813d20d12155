package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/millrace/millrace/server"
)

// TestPagesOfElsewhere: in the mode open, what a browser sends for a page of elsewhere is refused, and so is what comes for a name that
// somebody elsewhere may have led here. What programs send is not.
func TestPagesOfElsewhere(t *testing.T) {
	const function = "/2015-03-31/functions?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x%2F20261126%2Fus-east-1%2Flambda%2Faws4_request" +
		"&X-Amz-Date=20261126T132000Z&X-Amz-Expires=3000&X-Amz-SignedHeaders=host&X-Amz-Signature=abc"
	const queue = "/?Action=CreateQueue&QueueName=q&Version=2012-11-05"
	address := startWith(t, func(c *config) { c.TLSHosts = []string{"house.example", "*.own.example"} })
	exposed := startWith(t, func(c *config) { c.Listen, c.ExposeUnauthenticated = "0.0.0.0:0", true })
	signed := startWith(t, func(c *config) { c.Auth = server.AuthSigned })
	port := address[strings.LastIndex(address, ":"):]
	own := "127.0.0.1" + port
	for _, c := range []struct {
		at, method, path string
		host             string
		headers          http.Header
		refused          bool
	}{
		{address, "POST", function, own, http.Header{"Origin": {"http://evil.example"}, "Content-Type": {"text/plain"}}, true},
		{address, "POST", function, own, http.Header{"Origin": {"null"}}, true},
		{address, "POST", function, own, http.Header{"Origin": {"http://127.0.0.1.evil.example"}}, true},
		{address, "POST", function, own, http.Header{"Origin": {"http://localhost.evil.example:3000"}}, true},
		{address, "POST", function, "evil.example", nil, true},
		{address, "POST", function, "evil.example" + port, http.Header{"Origin": {"http://evil.example" + port}, "Sec-Fetch-Site": {"same-origin"}}, true},
		{address, "GET", queue, own, http.Header{"Sec-Fetch-Site": {"cross-site"}}, true},
		{address, "GET", queue, own, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Referer": {"http://evil.example/"}}, true},
		{address, "GET", "/_millrace/mappings", "evil.example", nil, true},
		{address, "GET", "/metrics", "evil.example", nil, true},
		{exposed, "GET", queue, "evil.example", http.Header{"Origin": {"http://other.example"}}, true},

		{address, "GET", "/_millrace/health", own, nil, false},
		{address, "GET", "/_millrace/health", "localhost" + port, nil, false},
		{address, "GET", "/_millrace/health", "[::1]" + port, nil, false},
		{address, "GET", "/_millrace/health", "millrace", nil, false},
		{address, "GET", "/_millrace/health", "host.docker.internal" + port, nil, false},
		{address, "GET", "/_millrace/health", "bucket.s3.localhost" + port, nil, false},
		{address, "GET", "/_millrace/health", "House.example", nil, false},
		{address, "GET", "/_millrace/health", "s3.own.example", nil, false},
		{address, "GET", "/_millrace/health", own, http.Header{"Origin": {"http://localhost:3000"}, "Sec-Fetch-Site": {"cross-site"}}, false},
		{address, "GET", "/_millrace/health", own, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Referer": {"http://localhost:3000/"}}, false},
		{address, "GET", "/_millrace/health", own, http.Header{"Sec-Fetch-Site": {"none"}}, false},
		{exposed, "GET", "/_millrace/health", "house.company.example", nil, false},
		{exposed, "GET", "/_millrace/health", "house.company.example", http.Header{"Origin": {"http://house.company.example"}}, false},
		{signed, "GET", "/_millrace/health", "evil.example", http.Header{"Origin": {"http://evil.example"}}, false},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, c.at+c.path, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		if r.Host = c.host; c.headers != nil {
			r.Header = c.headers
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if (answer.StatusCode == http.StatusForbidden) != c.refused || !c.refused && answer.StatusCode != http.StatusOK {
			t.Errorf("%s %s for %s with %v: %d", c.method, c.path, c.host, c.headers, answer.StatusCode)
		}
	}
	if _, text := call(t, "POST", address+"/", "sqs", "AmazonSQS.ListQueues", `{}`); strings.Contains(text, "/q") {
		t.Errorf("a page has made a queue: %s", text)
	}
}
