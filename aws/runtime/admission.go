package runtime

import (
	"io"
	"net"
	"sync"
)

// Admission says whether who made a connection may speak to a Server. It is asked once for each connection, from the connection's own
// goroutine; who may not finds the connection closed without a word.
type Admission func(net.Conn) bool

// gate is a listener whose connections are judged before anything is read from them.
type gate struct {
	net.Listener
	admit Admission
}

func (g gate) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil || g.admit == nil {
		return conn, err
	}
	return &stranger{Conn: conn, admit: g.admit}, nil
}

// stranger is a connection that is judged when it is first read from, so that nobody else waits for it.
type stranger struct {
	net.Conn
	admit   Admission
	judge   sync.Once
	refused bool
}

func (s *stranger) Read(p []byte) (int, error) {
	s.judge.Do(func() { s.refused = !s.admit(s.Conn) })
	if s.refused {
		return 0, io.EOF
	}
	return s.Conn.Read(p)
}
