// Package cborwire reads and writes CBOR (RFC 8949) the way AWS's services do.
//
// It is the sibling of jsonwire: the same pull reader and writer over another encoding, with the same offences for
// values of a wrong type. Two dialects differ in the unit of times (see Unit). What may come: lists, maps and
// strings of definite and indefinite length, floating-point numbers of all three widths, integers where fractions
// are wanted and the reverse, any tags, which are passed over, and null or undefined for what is absent. Byte
// strings are blobs; a text where a blob is wanted is taken for base64, as in JSON.
//
// Invariants. A Reader never reads outside its buffer, never recurses deeper than wire.MaxDepth, hands out at most
// wire.MaxElements members and elements, allocates nothing on the word of an announced length, and never panics.
// Once the document is found malformed, every method answers "nothing more"; being malformed outranks any offence.
// Everything handed out is a copy: the buffer may be used again once reading has ended.
package cborwire
