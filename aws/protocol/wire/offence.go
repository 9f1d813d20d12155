package wire

// The texts of offences that do not depend on what is wanted.
const (
	StartOfList      = "Start of list found where not expected"
	StartOfStructure = "Start of structure or map found where not expected."
	ExpectedStruct   = "Expected null"
	ExpectedMap      = "Expected map or null"
	ExpectedList     = "Expected list or null"
)

// Class is the name of a value's class in offences.
type Class string

// The classes of scalars.
const (
	ClassString  Class = "class java.lang.String"
	ClassBoolean Class = "class java.lang.Boolean"
	ClassNumber  Class = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber"
	ClassBytes   Class = "class java.nio.HeapByteBuffer"
)

// Type is how offences call what is wanted.
type Type string

// The types of scalars. The articles are AWS's.
const (
	TypeString    Type = "an String"
	TypeInt       Type = "an Integer"
	TypeLong      Type = "an Long"
	TypeDouble    Type = "an Double"
	TypeBool      Type = "an Boolean"
	TypeBlob      Type = "a Blob"
	TypeTimestamp Type = "milliseconds since epoch"
)

// Cannot is the text for a value whose class is not what is wanted.
func Cannot(c Class, t Type) string { return string(c) + " can not be converted to " + string(t) }
