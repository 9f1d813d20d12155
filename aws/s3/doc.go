// Package s3 is the door of S3: AWS's words outside, package bucket's inside.
//
// It is written by hand. What the generator is for, the members of documents and their constraints, is the smaller part
// of S3: most of it is in headers, in the query string and in the host, objects must not be gathered in memory before
// they are written, and of AWS's hundred operations this door has two dozen. A generated half beside a written half would
// be more to read than what stands here. The dispatcher hands the door whole requests (protocol.Service.Whole).
//
// route.go finds the operation, errors.go is the one table from the room's errors to AWS's codes, and there is a file an
// operation. A header or a subresource that S3 knows and this door does not carry out is refused with NotImplemented, in
// AWS's words.
package s3
