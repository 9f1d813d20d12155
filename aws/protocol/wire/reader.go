package wire

import "time"

// MaxDepth bounds the nesting of lists and maps in one document, and MaxElements the number of members and elements
// in all: a megabyte of empty structures would otherwise become many of memory.
const (
	MaxDepth    = 500
	MaxElements = 1 << 18
)

// Reader reads one document from its front to its end. A value of another type than asked for is not a Go error but
// an offence with AWS's own text, of which only the first is kept while reading goes on. A null is an absent value.
// Once the document is found malformed, every method answers "nothing more", so that loops over it end.
//
// The methods for scalars return false when the value is absent or refused; it has been read then. What they
// return is the caller's.
type Reader interface {
	// Struct, Map and List open what comes next. They return false, having read the value, when it is absent or
	// of another type. The document itself must be a structure: anything else there is malformed.
	Struct() bool
	Map() bool
	List() bool
	// Member reads the next name of the open structure or map. It returns false at its end, which closes it. The
	// name is valid until the next call.
	Member() (name []byte, ok bool)
	// Element moves to the next element of the open list that is not null. It returns false at the end of the list,
	// which closes it.
	Element() bool
	// Skip reads past the value that comes next, whatever it is.
	Skip()
	// Null reads a null if one comes next.
	Null() bool

	String() (string, bool)
	// Int reads an integer of 32 bits and Long one of 64. Fractions are cut off, and what is out of range clamped.
	Int() (int, bool)
	Long() (int64, bool)
	Double() (float64, bool)
	// Bool takes the strings for booleans that AWS takes.
	Bool() (value, ok bool)
	// Timestamp reads a time, to the millisecond.
	Timestamp() (time.Time, bool)
	// Blob returns bytes that are not nil when ok.
	Blob() ([]byte, bool)
}

// Document is a Reader that can be asked how reading went.
type Document interface {
	Reader
	// End says that the document has been read and checks that nothing follows.
	End()
	// Malformed reports whether what was read is not of the encoding, or not a structure at the top.
	Malformed() bool
	// Offence returns the first type error of the document in AWS's words, and whether there was one.
	Offence() (string, bool)
}

// IsStruct reads a whole document and reports whether it is one well-formed structure.
func IsStruct(d Document) bool {
	if d.Struct() {
		for _, ok := d.Member(); ok; _, ok = d.Member() {
			d.Skip()
		}
	}
	d.End()
	return !d.Malformed()
}
