package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// closedNames are the ends of names that nobody can register: what they resolve to is decided on this machine or its network. AWS's
// own are among them, since some clients are led here by a proxy.
var closedNames = []string{".localhost", ".local", ".internal", ".test", ".home.arpa", ".amazonaws.com", ".amazonaws.com.cn"}

// foreign says, in the mode open, why a request is not one of this machine's own user's, "" when it may be. A browser lets every
// page that it shows send requests to loopback; and a page whose name is made to resolve to loopback may also read the answers. What
// programs send has no Origin, and a host that they were given.
func (s *Server) foreign(r *http.Request) string {
	switch {
	case s.config.Auth != AuthOpen:
		return "" // nobody else can sign
	case !s.config.ExposeUnauthenticated && !s.answersTo(r.Host):
		return "in the mode open this server does not answer to the host " + hostOf(r.Host) + ": name it with --tls-host, or use the address"
	}
	from := r.Header.Get("Origin")
	if from == "" && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		if from = r.Header.Get("Referer"); from == "" {
			from = "null"
		}
	}
	if from == "" || s.isOwn(from, r.Host) {
		return ""
	}
	return "in the mode open this server takes no requests from pages of elsewhere"
}

// isOwn reports whether a page is of this machine, or was served by this server.
func (s *Server) isOwn(page, host string) bool {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" {
		return false
	}
	name := hostOf(u.Host)
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap().IsLoopback() || u.Host == host
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || u.Host == host
}

// answersTo reports whether a name in a request is not one that somebody elsewhere may have made up.
func (s *Server) answersTo(host string) bool {
	name := hostOf(host)
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	if !strings.Contains(name, ".") { // localhost, and names of the network's own
		return true
	}
	if slices.ContainsFunc(closedNames, func(end string) bool { return strings.HasSuffix(name, end) }) {
		return true
	}
	return slices.ContainsFunc(s.config.TLSHosts, func(own string) bool {
		rest, wild := strings.CutPrefix(strings.ToLower(own), "*")
		return name == rest || wild && strings.HasSuffix(name, rest)
	})
}

// hostOf returns a host without its port, in lower case.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}
