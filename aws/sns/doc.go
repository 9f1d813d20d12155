// Package sns is the door of SNS, for its query protocol: AWS's words outside, package topic's inside.
//
// The files named *_gen.go are written by aws/generate from AWS's model; the others carry the operations out, one file an
// operation. errors.go is the one table from the room's errors to AWS's codes.
//
// Messages go to queues, functions and web servers: other protocols are refused.
package sns
