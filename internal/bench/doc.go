// Package bench measures a server on this machine, from outside, and the bare storage engine beside it in the same run:
// machines differ and drift, so what counts is the ratio between the two.
//
// The server is a real one: durable in a fresh folder, HTTP on loopback, functions as processes. The client is a plain
// HTTP client that sends ready-made bodies, and for puts a bare connection that sends ready-made requests, so that what is measured is mostly the server; both share the machine's
// cores all the same, and the figures include the client's cost.
package bench
