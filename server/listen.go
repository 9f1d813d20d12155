package server

import (
	"errors"
	"net"
	"syscall"
	"time"
)

const (
	// listenTries and listenPause are how long it is tried to listen where somebody listens already. A server that was killed
	// may hold its address for a moment longer: until the last process ends that it was about to start.
	listenTries = 20
	listenPause = 50 * time.Millisecond
)

// listen opens the server's door.
func listen(address string) (l net.Listener, err error) {
	for n := range listenTries {
		if n > 0 {
			time.Sleep(listenPause)
		}
		if l, err = net.Listen("tcp", address); !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return l, err
}
