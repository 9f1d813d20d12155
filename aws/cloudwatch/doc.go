// Package cloudwatch is the door of CloudWatch's metrics, for its three protocols (rpc-v2-cbor, JSON, query): AWS's words
// outside, package metric's inside.
//
// The files named *_gen.go are written by aws/generate from AWS's model: the shapes, how requests are read and
// judged, how answers are written, and the interface Operations. The others carry the operations out, one file an
// operation; expression*.go is metric math; errors.go has what goes wrong.
package cloudwatch
