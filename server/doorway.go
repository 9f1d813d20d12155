package server

import (
	"container/list"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

const (
	// doorPatience is how long a connection may take to send its first byte.
	doorPatience = 10 * time.Second
	// doorWaiting is how many connections may be waited for at a time. Of more, the one that has been silent the
	// longest is let go.
	doorWaiting = 1024
)

// doorway is the listening socket of the house. Clients who speak TLS and clients who speak in clear text come through
// the same door: the first byte of a connection tells them apart. It is a net.Listener that hands out connections once
// that byte is there, so that the silent hold up nobody.
//
// Between open and Close it has a goroutine of its own, and one for each connection that is waited for.
type doorway struct {
	net.Listener
	tls    *tls.Config
	ready  chan net.Conn
	failed chan error
	closed chan struct{}
	all    sync.WaitGroup

	mu      sync.Mutex
	waiting list.List // of net.Conn, the longest silent in front
	shut    bool
}

func newDoorway(l net.Listener, config *tls.Config) *doorway {
	return &doorway{Listener: l, tls: config, ready: make(chan net.Conn), failed: make(chan error), closed: make(chan struct{})}
}

// open begins to take connections.
func (d *doorway) open() {
	d.all.Go(func() {
		for {
			c, err := d.Listener.Accept()
			if err == nil {
				d.receive(c)
				continue
			}
			// Whoever calls Accept decides whether to go on, and when: until it calls again this waits.
			select {
			case d.failed <- err:
			case <-d.closed:
				return
			}
		}
	})
}

// Accept returns the next connection that has begun to speak: a *tls.Conn when it speaks TLS.
func (d *doorway) Accept() (net.Conn, error) {
	select {
	case c := <-d.ready:
		return c, nil
	case err := <-d.failed:
		return nil, err
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close takes no more connections, lets those go that have not been handed out, and waits for the goroutines.
func (d *doorway) Close() error {
	d.mu.Lock()
	if d.shut {
		d.mu.Unlock()
		return net.ErrClosed
	}
	d.shut = true
	close(d.closed)
	for place := d.waiting.Front(); place != nil; place = place.Next() {
		_ = place.Value.(net.Conn).Close()
	}
	d.mu.Unlock()
	err := d.Listener.Close()
	d.all.Wait()
	return err
}

// receive waits for the connection to speak, beside everything else.
func (d *doorway) receive(c net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		_ = c.Close()
		return
	}
	if d.waiting.Len() >= doorWaiting {
		silent := d.waiting.Remove(d.waiting.Front()).(net.Conn)
		_ = silent.Close() // which ends its goroutine
	}
	place := d.waiting.PushBack(c)
	d.all.Go(func() { d.listenTo(c, place) })
}

// listenTo reads the first byte and hands the connection out.
func (d *doorway) listenTo(c net.Conn, place *list.Element) {
	first := &begun{Conn: c}
	_ = c.SetReadDeadline(time.Now().Add(doorPatience))
	_, err := c.Read(first.byte[:])
	_ = c.SetReadDeadline(time.Time{})
	d.mu.Lock()
	d.waiting.Remove(place) // which does nothing when it was let go
	d.mu.Unlock()
	if err != nil {
		_ = c.Close()
		return
	}
	var spoken net.Conn = first
	if first.byte[0] == recordHandshake {
		spoken = tls.Server(first, d.tls)
	}
	select {
	case d.ready <- spoken:
	case <-d.closed:
		_ = c.Close()
	}
}

// recordHandshake is the first byte of a TLS connection: the type of the record with its greeting. No method of HTTP
// begins with it.
const recordHandshake = 0x16

// begun is a connection of which the first byte has been read.
type begun struct {
	net.Conn
	byte [1]byte
	told bool
}

// Read reads the first byte once more, then the rest.
func (c *begun) Read(p []byte) (int, error) {
	if c.told || len(p) == 0 {
		return c.Conn.Read(p)
	}
	c.told = true
	return copy(p, c.byte[:]), nil
}

// CloseWrite ends what is sent and leaves the other side time to read it. Without it net/http would end connections in
// a way that may take an answer with it.
func (c *begun) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
