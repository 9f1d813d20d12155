package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/authority"
)

// pipes is a listener for connections that are pipes, which virtual time can wait for.
type pipes struct {
	clients chan net.Conn
	errs    chan error
	closed  chan struct{}
}

func newPipes() *pipes {
	return &pipes{make(chan net.Conn), make(chan error), make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.clients:
		return c, nil
	case err := <-p.errs:
		return nil, err
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial comes to the door.
func (p *pipes) dial() net.Conn {
	inside, outside := net.Pipe()
	p.clients <- inside
	return outside
}

// atTheDoor runs a test in virtual time with an open door.
func atTheDoor(t *testing.T, test func(t *testing.T, p *pipes, d *doorway)) {
	synctest.Test(t, func(t *testing.T) {
		a, err := authority.New(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		p := newPipes()
		d := newDoorway(p, authority.NewServer(a, []string{"localhost"}, time.Now).TLS())
		d.open()
		test(t, p, d)
		if err := d.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// untilClosed reads a connection to its end and returns what came.
func untilClosed(c net.Conn) []byte {
	text, _ := io.ReadAll(c)
	return text
}

func TestSilentConnectionsHoldUpNobody(t *testing.T) {
	atTheDoor(t, func(t *testing.T, p *pipes, d *doorway) {
		start := time.Now()
		var silent []net.Conn
		for range 100 {
			silent = append(silent, p.dial())
		}
		speaker := p.dial()
		go func() { _, _ = speaker.Write([]byte("GET")) }()
		c, err := d.Accept()
		if err != nil || time.Since(start) != 0 {
			t.Fatal(err, time.Since(start))
		}
		text := make([]byte, 3)
		if _, err := io.ReadFull(c, text); err != nil || string(text) != "GET" {
			t.Errorf("%q %v", text, err)
		}
		for _, c := range silent {
			untilClosed(c)
		}
		if time.Since(start) != doorPatience {
			t.Errorf("the silent were let go after %s", time.Since(start))
		}
		c.Close()
	})
}

func TestTheLongestSilentGoesFirst(t *testing.T) {
	atTheDoor(t, func(t *testing.T, p *pipes, d *doorway) {
		start := time.Now()
		first := p.dial()
		for range doorWaiting - 1 {
			p.dial()
		}
		last := p.dial()
		untilClosed(first)
		if time.Since(start) != 0 {
			t.Errorf("waited %s", time.Since(start))
		}
		go func() { _, _ = last.Write([]byte("x")) }()
		c, err := d.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	})
}

func TestFirstByteTellsTLS(t *testing.T) {
	atTheDoor(t, func(t *testing.T, p *pipes, d *doorway) {
		for first, want := range map[byte]bool{recordHandshake: true, 'P': false, 0: false, 0x80: false} {
			client := p.dial()
			go func() { _, _ = client.Write([]byte{first}) }()
			c, err := d.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if _, got := c.(*tls.Conn); got != want {
				t.Errorf("%#x: TLS %t", first, got)
			}
			client.Close()
			c.Close()
		}
	})
}

func TestClosingLetsEverybodyGo(t *testing.T) {
	atTheDoor(t, func(t *testing.T, p *pipes, d *doorway) {
		silent, speaker := p.dial(), p.dial()
		go func() { _, _ = speaker.Write([]byte("G")) }()
		synctest.Wait() // nobody takes the speaker
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		untilClosed(silent)
		untilClosed(speaker)
		if _, err := d.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// An error of the listener, such as too many open files, is for the server to bear; then the door goes on.
func TestErrorsOfTheListenerAreHandedOn(t *testing.T) {
	atTheDoor(t, func(t *testing.T, p *pipes, d *doorway) {
		go func() { p.errs <- errors.New("too many open files") }()
		if _, err := d.Accept(); err == nil || err.Error() != "too many open files" {
			t.Fatal(err)
		}
		client := p.dial()
		go func() { _, _ = client.Write([]byte("x")) }()
		c, err := d.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	})
}

// A client that begins a handshake and does not go on is let go.
func TestHandshakesAreBounded(t *testing.T) {
	atTheDoor(t, func(t *testing.T, p *pipes, d *doorway) {
		s := &Server{log: slog.New(slog.DiscardHandler)}
		server := s.newHTTPServer(http.NotFoundHandler())
		done := make(chan error, 1)
		go func() { done <- server.Serve(d) }()
		start := time.Now()
		client := p.dial()
		if _, err := client.Write([]byte{recordHandshake, 3, 1}); err != nil {
			t.Fatal(err)
		}
		if text := untilClosed(client); len(bytes.TrimSpace(text)) > 0 || time.Since(start) != server.ReadHeaderTimeout {
			t.Errorf("%q after %s", text, time.Since(start))
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		<-done
	})
}
