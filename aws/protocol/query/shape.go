package query

// Kind is what a parameter is.
type Kind int

// The kinds of parameters.
const (
	Text    Kind = iota // a string, a blob (base64 already) or an enum
	Number              // an integer, long or double
	Boolean             // a boolean
	Time                // ISO 8601
	Structure
	List
	Map
)

// Shape describes a value of the input.
type Shape struct {
	Kind    Kind
	Members []Member // of a structure
	Element *Shape   // of a list; the value of a map
	// Flat says that a list's elements or map's entries follow the name of the member directly (Name.1), without
	// "member" or "entry" between.
	Flat       bool
	Key, Value string // the names of a map's key and value within an entry
}

// Member is a member of a structure.
type Member struct {
	JSON  string // the name in the JSON document
	Name  string // the name in the form
	Shape *Shape
	Flat  bool // as in Shape, for this member only
}
