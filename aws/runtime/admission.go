package runtime

import (
	"io"
	"net"
	"sync"
)

// Admission says whether who made a connection may speak to a Server. It is asked once for each connection, from the connection's own
// goroutine; who may not finds the connection closed without a word.
type Admission func(net.Conn) bool

// maxConnections is how many connections a server has at a time: some more than a runtime and all its extensions need. Others wait
// in the system's queue, where they cost the server nothing.
const maxConnections = 128

// gate is a listener that has few connections at a time, which are judged before anything is read from them.
type gate struct {
	net.Listener
	admit   Admission // nil admits everybody
	room    chan struct{}
	closing <-chan struct{}
}

func (g gate) Accept() (net.Conn, error) {
	select {
	case g.room <- struct{}{}:
	case <-g.closing:
		return nil, net.ErrClosed
	}
	conn, err := g.Listener.Accept()
	if err != nil {
		<-g.room
		return nil, err
	}
	return &visit{Conn: conn, admit: g.admit, leave: sync.OnceFunc(func() { <-g.room })}, nil
}

// visit is a connection that is judged when it is first read from, so that nobody else waits for it.
type visit struct {
	net.Conn
	admit   Admission
	judge   sync.Once
	refused bool
	leave   func()
}

func (v *visit) Read(p []byte) (int, error) {
	v.judge.Do(func() { v.refused = v.admit != nil && !v.admit(v.Conn) })
	if v.refused {
		return 0, io.EOF
	}
	return v.Conn.Read(p)
}

func (v *visit) Close() error {
	defer v.leave()
	return v.Conn.Close()
}
