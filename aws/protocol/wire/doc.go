// Package wire is what AWS's encodings have in common, so that a shape is described to them once.
//
// Generated code reads inputs from a Reader and writes outputs to a Writer, and does not know which encoding is
// behind them: jsonwire's or cborwire's. Decode and encode functions for lists, maps and optional members stand
// here, with the texts for values of a wrong type, which AWS words alike in every encoding.
//
// Any structure of a model that is reached from an output writes itself, an event of an event stream too: take the writer
// of the encoding that the request was made in, which is what protocol.Encoding's Append does:
//
//	payload := protocol.CallFrom(ctx).Encoding.Append(nil, &event)
//
// Invariants. Whatever a document holds, the functions here end, hand out at most what the document's bytes account
// for, and never panic. They keep nothing of the reader or the writer.
package wire
