package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"regexp"
	"sync"
	"time"
)

const (
	// leafLife is how long a server's certificate lasts, and leafRenewal how long before its end another takes its
	// place. Clients need not be told: they trust the authority.
	leafLife    = 90 * 24 * time.Hour
	leafRenewal = 30 * 24 * time.Hour
)

// Server shows certificates for the names of one server.
type Server struct {
	authority *Authority
	hosts     []string
	now       func() time.Time

	mu   sync.Mutex // guards leaf, also while one is signed, which needs no more than the processor
	leaf *tls.Certificate
}

// NewServer makes the certificates of a server with these names and addresses; names may begin with a wildcard.
func NewServer(a *Authority, hosts []string, now func() time.Time) *Server {
	return &Server{authority: a, hosts: hosts, now: now}
}

var hostName = regexp.MustCompile(`^(\*\.)?([a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?\.)*[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`)

// IsHost reports whether a certificate can be for the name or address.
func IsHost(host string) bool {
	return net.ParseIP(host) != nil || len(host) <= 253 && hostName.MatchString(host)
}

// TLS is what a listener of the server needs: HTTP/2 or HTTP/1.1, as the client prefers.
func (s *Server) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: s.certificate,
	}
}

// certificate returns the one at hand, or makes one when there is none or it should be renewed.
func (s *Server) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.leaf != nil && now.After(s.leaf.Leaf.NotBefore) && now.Before(s.leaf.Leaf.NotAfter.Add(-leafRenewal)) {
		return s.leaf, nil
	}
	leaf, err := s.authority.issue(s.hosts, now)
	if err != nil {
		return nil, err
	}
	s.leaf = leaf
	return leaf, nil
}

// issue makes a key and a certificate for it.
func (a *Authority) issue(hosts []string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	number, err := serialNumber()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          number,
		Subject:               pkix.Name{Organization: []string{"Millrace"}, CommonName: "Millrace"},
		NotBefore:             now.Add(-slack),
		NotAfter:              now.Add(leafLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
