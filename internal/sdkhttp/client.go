package sdkhttp

import (
	"bytes"
	"io"
	"net/http"
)

// NewClient returns a client with connections of its own. Requests are held in memory while they are sent.
func NewClient() *http.Client {
	return &http.Client{
		Transport:     transport{http.DefaultTransport.(*http.Transport).Clone()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // as the SDK's own does
	}
}

type transport struct{ base *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return t.base.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	whole := r.Clone(r.Context())
	whole.Body, whole.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return t.base.RoundTrip(whole)
}

// CloseIdleConnections closes connections that are not in use; http.Client calls it.
func (t transport) CloseIdleConnections() { t.base.CloseIdleConnections() }
