// Package server builds the rooms of the house from a Config and runs them: the store, the streams, the functions, the
// mappings between them, the queues, and the doors that speak AWS's protocols over one port. It is what a Go test embeds:
//
//	s, err := server.New(server.Config{Listen: "127.0.0.1:0", Memory: true})
//	…
//	go s.Run(ctx)
//	config.BaseEndpoint = aws.String(s.URL())
//
// New opens and binds, Run serves. Nothing is global: several servers live in one process.
//
// A stop goes from the street inwards, so that nothing is asked of a room that is already gone: first the doors (no new
// requests, those under way finish), then the lanes of the mappings (no new invocation, those under way get StopGrace),
// then the functions (their processes end), then streams and queues, at last the store. What was cut off is delivered
// again after the next start.
package server
