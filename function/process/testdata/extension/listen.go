package main

import "net"

// listen listens where telemetry is sent: the name is in the sandbox's hosts file, and nowhere else.
func listen() net.Listener {
	listener, err := net.Listen("tcp4", "sandbox.localdomain:0")
	if err != nil {
		listener, err = net.Listen("tcp4", "127.0.0.1:0")
	}
	check(err)
	return listener
}
