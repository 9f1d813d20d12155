package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// verify has a client that trusts the authority judge a server's certificate at a time.
func verify(a *Authority, leaf *tls.Certificate, host string, at time.Time) error {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(a.PEM())
	_, err := leaf.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: trusted, CurrentTime: at})
	return err
}

func TestServerIsTrustedForItsNamesOnly(t *testing.T) {
	a, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(a, []string{"localhost", "127.0.0.1", "::1", "*.localhost.example.cloud"}, func() time.Time { return now })
	leaf, err := s.certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "kinesis.localhost.example.cloud"} {
		if err := verify(a, leaf, host, now); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"example.com", "127.0.0.2", "localhost.example.cloud", "a.b.localhost.example.cloud"} {
		if verify(a, leaf, host, now) == nil {
			t.Errorf("trusted for %s", host)
		}
	}
	other, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	if verify(other, leaf, "localhost", now) == nil {
		t.Error("trusted by another authority")
	}
}

// A server that runs for years never shows a certificate that has expired, or that is about to.
func TestCertificatesAreRenewed(t *testing.T) {
	a, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	at := now
	s := NewServer(a, []string{"localhost"}, func() time.Time { return at })
	seen := map[string]bool{}
	for range 3 * 365 {
		leaf, err := s.certificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(a, leaf, "localhost", at.Add(29*24*time.Hour)); err != nil {
			t.Fatal(at, err)
		}
		seen[leaf.Leaf.SerialNumber.String()] = true
		at = at.Add(24 * time.Hour)
	}
	if len(seen) < 18 || len(seen) > 20 {
		t.Errorf("%d certificates in three years", len(seen))
	}
	at = now.Add(-365 * 24 * time.Hour) // a clock that was set right
	if leaf, err := s.certificate(nil); err != nil || leaf.Leaf.NotBefore.After(at) {
		t.Error("a certificate of the future", err)
	}
}

func TestOneAuthorityAFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data", "tls")
	found := make([]*Authority, 8)
	var all sync.WaitGroup
	for i := range found {
		all.Go(func() {
			a, err := Open(folder, now)
			if err != nil {
				t.Error(err)
			}
			found[i] = a
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for _, a := range found[1:] {
		if !bytes.Equal(a.PEM(), found[0].PEM()) || !a.key.Equal(found[0].key) {
			t.Fatal("two authorities in one folder")
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	info, err := files[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if bytes.Contains(found[0].PEM(), []byte("PRIVATE")) {
		t.Error("the key is shown")
	}
}

func TestBrokenFilesAreRefused(t *testing.T) {
	folder := t.TempDir()
	a, err := Open(folder, now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, fileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key, _, _ := bytes.Cut(whole, a.PEM())
	for name, text := range map[string][]byte{
		"empty": {}, "no key": a.PEM(), "torn": whole[:len(whole)-40], "another's certificate": slices.Concat(key, b.PEM()),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(folder, now); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExpiredAuthority(t *testing.T) {
	folder := t.TempDir()
	if _, err := Open(folder, now); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, now.Add(life+time.Hour)); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Error(err)
	}
}

func TestIsHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "a.example": true, "*.localhost.localstack.cloud": true, "::1": true, "10.0.0.1": true, "A-b.c": true,
		"": false, "*": false, "a.*": false, "a:80": false, "http://a": false, "a b": false, "-a": false, "a..b": false, ".a": false, "a.": false, "*.": false,
		strings.Repeat("a", 254): false,
	} {
		if IsHost(host) != want {
			t.Errorf("%q: %t", host, !want)
		}
	}
}
