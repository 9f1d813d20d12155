package protocol

import (
	"github.com/millrace/millrace/aws/protocol/cborwire"
	"github.com/millrace/millrace/aws/protocol/jsonwire"
	"github.com/millrace/millrace/aws/protocol/wire"
)

// Encoding is how the documents of a request and of its answer are written. A door needs it only for what it writes
// beside its output: the events of an event stream.
type Encoding int

// The encodings.
const (
	EncodingJSON Encoding = iota
	// EncodingCBOR is AWS's CBOR 1.1, which mirrors awsJson member by member; times are in milliseconds.
	EncodingCBOR
	// EncodingRPC is the CBOR of Smithy's protocol rpc-v2-cbor; times are in seconds.
	EncodingRPC
)

// Append appends a structure as a document of its own: an output, or the payload of an event.
func (e Encoding) Append(b []byte, v wire.Encoder) []byte {
	if e == EncodingJSON {
		w := jsonwire.NewWriter(b)
		v.Encode(w)
		return w.Bytes()
	}
	w := cborwire.NewWriter(b, e.unit())
	v.Encode(w)
	return w.Bytes()
}

// read makes a reader of a document.
func (e Encoding) read(text []byte) wire.Document {
	if e == EncodingJSON {
		return jsonwire.NewReader(text)
	}
	return cborwire.NewReader(text, e.unit())
}

// unit is that of times in CBOR.
func (e Encoding) unit() cborwire.Unit {
	if e == EncodingRPC {
		return cborwire.Seconds
	}
	return cborwire.Milliseconds
}
