// Package logs is the door of CloudWatch Logs (JSON 1.1, and event streams for live tails): AWS's words outside, those of
// the room of the same name inside.
//
// The files named *_gen.go are written by aws/generate from AWS's model: the shapes, how requests are read and
// judged, how answers are written, and the interface Operations. The others carry the operations out, one file an
// operation; errors.go has what goes wrong.
package logs
