// Package sqs is the door of SQS, for its JSON and its query protocol: AWS's words outside, package queue's inside.
//
// The files named *_gen.go are written by aws/generate from AWS's model: the shapes, how requests are read and
// judged, how answers are written, and the interface Operations. The others carry the operations out, one file an
// operation; errors.go is the one table from the room's errors to AWS's codes.
package sqs
