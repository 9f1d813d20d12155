// Package lambda is the door of Lambda: AWS's words outside, the rooms function and mapping inside.
//
// The files named *_gen.go are written by aws/generate from AWS's model: the shapes, how requests are read and
// judged, how answers are written, and the interface Operations. The others carry the operations out, one file an
// operation; errors.go is the one table from the rooms' errors to AWS's codes.
package lambda
