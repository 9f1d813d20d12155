// Package wire is what AWS's encodings have in common, so that a shape is described to them once.
//
// Generated code reads inputs from a Reader and writes outputs to a Writer, and does not know which encoding is
// behind them: jsonwire's or cborwire's. Decode and encode functions for lists, maps and optional members stand
// here, with the texts for values of a wrong type, which AWS words alike in every encoding.
//
// To write any structure of a model, such as an event of an event stream, take the writer of the encoding that the
// request was made in and let the structure write itself:
//
//	w := cborwire.NewWriter(b, cborwire.Milliseconds) // or jsonwire.NewWriter(b)
//	event.Encode(w)
//	b = w.Bytes()
//
// The dispatcher does so for answers; see protocol.Encoding for choosing the writer by content type.
//
// Invariants. Whatever a document holds, the functions here end, hand out at most what the document's bytes account
// for, and never panic. They keep nothing of the reader or the writer.
package wire
