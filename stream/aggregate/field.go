package aggregate

import "google.golang.org/protobuf/encoding/protowire"

// field is a field of a protobuf message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	varint uint64 // of a VarintType
	bytes  []byte // of a BytesType; never nil then, and a part of the message
}

// fields calls visit for each field of a message, in order, until it returns false, and reports whether it never did and
// the message was well-formed. Unknown fields are visited like all others, of groups and fixed numbers without a value.
func fields(message []byte, visit func(field) bool) bool {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false
		}
		message = message[n:]
		f := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 || !visit(f) {
			return false
		}
		message = message[n:]
	}
	return true
}
