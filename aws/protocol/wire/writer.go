package wire

import "time"

// Writer writes one document. Every value is preceded by what places it: in a structure its Name, in a list Element,
// in a map its Key.
type Writer interface {
	// OpenStruct begins a structure, CloseStruct ends it; between them stand pairs of a Name and a value.
	OpenStruct()
	// Name writes the name of a member. It must need no escape.
	Name(name string)
	CloseStruct()
	// OpenList begins a list of n elements, each announced by Element.
	OpenList(n int)
	Element()
	CloseList()
	// OpenMap begins a map of n entries, pairs of a Key and a value.
	OpenMap(n int)
	Key(key string)
	CloseMap()

	String(v string)
	Int(v int)
	Long(v int64)
	Double(v float64)
	Bool(v bool)
	Timestamp(v time.Time)
	Blob(v []byte)
}

// Sized is an Encoder that can be large and says about how many bytes it takes, in whatever encoding takes most, before it is
// written. It may be wrong: it tells how much memory to make ready.
type Sized interface {
	Encoder
	Size() int
}

// Encoder is a structure that can write itself. Generated types of outputs and events implement it.
type Encoder interface{ Encode(w Writer) }
