// Package jsonwire reads and writes JSON the way AWS's services do.
//
// It is a small pull reader, a writer, and a set of append functions for text beside them. The reader and the writer
// are those of package wire, for which see how generated code uses them. The reader differs from
// encoding/json where AWS differs: a value of another type than the member's is not a Go error but an offence
// with AWS's own text, of which only the first is kept while reading goes on; a null is an absent member; an
// integer out of range is clamped and a fraction cut off; member names are compared with their case.
//
// Invariants. A Reader never reads outside its buffer, never recurses deeper than wire.MaxDepth, hands
// out at most wire.MaxElements members and elements, and never panics.
// Once the text is found malformed, every method answers "nothing more", so generated loops end by themselves;
// being malformed outranks any offence. Everything handed out (strings, blobs) is a copy: the buffer may be
// used again once reading has ended.
package jsonwire
