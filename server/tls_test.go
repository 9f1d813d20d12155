package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/authority"
	"github.com/millrace/millrace/server"
)

// trust returns the authority that a server tells of.
func trust(t *testing.T, url string) *x509.CertPool {
	t.Helper()
	status, text := call(t, http.MethodGet, url+"/_millrace/ca.pem", "", "", "")
	pool := x509.NewCertPool()
	if status != http.StatusOK || !pool.AppendCertsFromPEM([]byte(text)) {
		t.Fatalf("the certificate is answered %d %s", status, text)
	}
	return pool
}

// client speaks one version of HTTP, and trusts one authority when it speaks TLS.
func client(t *testing.T, pool *x509.CertPool, name string, speak func(*http.Protocols)) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	speak(protocols)
	transport := &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: name}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestOnePort speaks every protocol on the one port.
func TestOnePort(t *testing.T) {
	plain := startWith(t, func(c *config) { c.TLSHosts = []string{"*.localhost.localstack.cloud"} })
	secure := strings.Replace(plain, "http:", "https:", 1)
	pool := trust(t, plain)
	http1 := func(p *http.Protocols) { p.SetHTTP1(true) }
	http2 := func(p *http.Protocols) { p.SetHTTP2(true) }
	h2c := func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }
	both := func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) }
	for _, c := range []struct {
		name, url, host string
		speak           func(*http.Protocols)
		version         int
	}{
		{"HTTP/1.1", plain, "", http1, 1},
		{"HTTP/2 with prior knowledge", plain, "", h2c, 2},
		{"HTTP/1.1 over TLS", secure, "", http1, 1},
		{"HTTP/2 over TLS", secure, "", http2, 2},
		{"either over TLS", secure, "", both, 2},
		{"another name", secure, "kinesis.localhost.localstack.cloud", http2, 2},
		{"localhost", secure, "localhost", http1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
			request.Header.Set("Content-Type", "application/x-amz-json-1.1")
			request.Header.Set("X-Amz-Date", "20260101T000000Z")
			request.Header.Set("Authorization", strings.Replace(authorization, "%s", "kinesis", 1))
			answer, err := client(t, pool, c.host, c.speak).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != http.StatusOK || answer.ProtoMajor != c.version || !strings.Contains(string(body), `"StreamNames":[]`) {
				t.Errorf("%s %s %s %v", answer.Proto, answer.Status, body, err)
			}
		})
	}
}

func TestStrangersAreNotTrusted(t *testing.T) {
	plain := start(t)
	secure := strings.Replace(plain, "http:", "https:", 1) + "/_millrace/health"
	both := func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) }
	for name, c := range map[string]*http.Client{
		"a client that was not told": client(t, x509.NewCertPool(), "", both),
		"another server's authority": client(t, trust(t, start(t)), "", both),
		"a name that is not ours":    client(t, trust(t, plain), "kinesis.localhost.localstack.cloud", both),
	} {
		if answer, err := c.Get(secure); err == nil {
			answer.Body.Close()
			t.Errorf("%s was answered %s", name, answer.Status)
		}
	}
}

// A data folder keeps its authority: clients are told once. The one that is found before the first start is that of
// the server.
func TestAuthorityOfADataFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := authority.Open(server.CertificateFolder(dir), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		t.Run("run", func(t *testing.T) {
			url := startWith(t, func(c *config) { c.Memory, c.DataDir = false, dir })
			if _, text := call(t, http.MethodGet, url+"/_millrace/ca.pem", "", "", ""); text != string(first.PEM()) {
				t.Errorf("another authority: %s", text)
			}
		})
	}
}

func TestTLSHostsAreJudged(t *testing.T) {
	for _, host := range []string{"", "https://localhost", "a:4566"} {
		if s, err := server.New(config{Listen: "127.0.0.1:0", Memory: true, TLSHosts: []string{host}}); err == nil || s != nil || !strings.Contains(err.Error(), "TLS host") {
			t.Errorf("%q: %v", host, err)
		}
	}
}
