// Command generate writes the wire of one service out of AWS's published model of it.
//
// The models come with the Go module github.com/aws/aws-sdk-go, pinned in tools/go.mod, as
// models/apis/<service>/<version>/api-2.json. That snapshot ends in the middle of 2025; what came later, what the
// models do not say, and which operations are offered stands in overlay/<service>.json, which is laid over the
// model (see overlay). Only the offered operations and the shapes that they reach are written:
//
//	types_gen.go     the shapes as Go types, and the values of enums
//	decode_gen.go    reading inputs, from the body and from the rest of a REST request
//	validate_gen.go  the constraints of inputs
//	encode_gen.go    writing outputs, as documents, XML and headers
//	query_gen.go     how a form becomes a document, for services with the query protocol
//	service_gen.go   the Operations interface and the table for the dispatcher
//
// Run it through go generate ./aws/... . The output depends on the model and the overlay alone, member by member
// in the model's order, and a test keeps the committed files equal to it.
package main
