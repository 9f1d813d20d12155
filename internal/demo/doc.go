// Package demo shows the whole journey of a record: it starts a server in a fresh folder, builds a stream, a function, a
// queue and a mapping by the AWS API as any user would, puts a real feed through them with the AWS SDK, and tells what came of it.
//
// Everything goes over HTTP on loopback; nothing is read from inside the server. The function is this very program:
// its executable goes into the zip as `bootstrap`, so that the demo needs neither Python nor Node.js.
//
// What the summary claims is checked, not assumed: the handler writes every record that it accepted into a ledger, and
// the demo compares the ledger with what it put, record by record and key by key.
package demo
