package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// destination is where a subscriber listens: on the loopback interface, whatever the name of its host.
type destination struct {
	Protocol string `json:"protocol"`
	URI      string `json:"URI"`
	Port     int    `json:"port"`
	Method   string `json:"method"`
	Encoding string `json:"encoding"`
}

// maxAcknowledgement bounds what is read of the answer to a batch.
const maxAcknowledgement = 64 << 10

// dialTime bounds how long a connection to a listener on the same machine may take.
const dialTime = time.Second

// connect returns a way to send batches there. ctx ends it.
func (d destination) connect(ctx context.Context) (func(context.Context, [][]byte) error, error) {
	switch {
	case d.Encoding != "" && d.Encoding != "JSON":
		return nil, errors.New("destination.encoding must be JSON")
	case d.Protocol == "TCP":
		return d.connectTCP(ctx)
	case d.Protocol == "HTTP":
		return d.connectHTTP(ctx)
	}
	return nil, errors.New("destination.protocol must be HTTP or TCP")
}

func (d destination) connectHTTP(ctx context.Context) (func(context.Context, [][]byte) error, error) {
	u, err := url.Parse(d.URI)
	if err != nil || u.Scheme != "http" {
		return nil, errors.New("destination.URI must be a URI of the scheme http")
	}
	if host := u.Hostname(); host != "sandbox.localdomain" && host != "sandbox" {
		return nil, errors.New("destination.URI host must be sandbox.localdomain")
	}
	if port, err := strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
		return nil, errors.New("destination.URI must have a port")
	}
	if d.Method != "" && d.Method != http.MethodPost && d.Method != http.MethodPut {
		return nil, errors.New("destination.method must be POST or PUT")
	}
	method, address := http.MethodPost, "127.0.0.1:"+u.Port()
	if d.Method != "" {
		method = d.Method
	}
	dialer := &net.Dialer{Timeout: dialTime}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp4", address)
		},
		MaxIdleConns:    1,
		IdleConnTimeout: time.Minute,
	}
	context.AfterFunc(ctx, transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, events [][]byte) error {
		body := append(append([]byte{'['}, bytes.Join(events, []byte{','})...), ']')
		r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		_, _ = io.CopyN(io.Discard, answer.Body, maxAcknowledgement)
		_ = answer.Body.Close()
		if answer.StatusCode >= http.StatusMultipleChoices {
			return fmt.Errorf("the listener answered %s", answer.Status)
		}
		return nil
	}, nil
}

func (d destination) connectTCP(ctx context.Context) (func(context.Context, [][]byte) error, error) {
	if d.Port < 1 || d.Port > 65535 {
		return nil, errors.New("destination.port must be from 1 to 65535")
	}
	conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp4", "127.0.0.1:"+strconv.Itoa(d.Port))
	if err != nil {
		return nil, fmt.Errorf("could not connect to destination.port: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	return func(_ context.Context, events [][]byte) error {
		_, err := conn.Write(append(bytes.Join(events, []byte{'\n'}), '\n'))
		return err
	}, nil
}
