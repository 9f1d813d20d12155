package server

import (
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/internal/authority"
)

// CertificateFolder is where a data folder keeps its certificate authority.
func CertificateFolder(dataDir string) string { return filepath.Join(dataDir, "tls") }

// certify puts a door before the listener that clients of TLS may come through too. In memory mode the authority lives
// as long as the server.
func (s *Server) certify(l net.Listener) (err error) {
	// Certificates are judged by the clients' clocks, not by the domain's.
	if s.config.Memory {
		s.authority, err = authority.New(time.Now())
	} else {
		s.authority, err = authority.Open(CertificateFolder(s.config.DataDir), time.Now())
	}
	if err != nil {
		return err
	}
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, s.config.TLSHosts...)
	if host, _, err := net.SplitHostPort(s.config.Listen); err == nil && authority.IsHost(host) {
		hosts = append(hosts, host)
	}
	s.doorway = newDoorway(l, authority.NewServer(s.authority, hosts, time.Now).TLS())
	return nil
}

// certificatePage is the certificate that clients must trust to speak TLS with the server.
func (s *Server) certificatePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(s.authority.PEM())
}
