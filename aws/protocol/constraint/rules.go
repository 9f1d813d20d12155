package constraint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/protocol/wire"
)

// Length bounds a length. Low and High may each be -1, which means no bound.
type Length struct{ Low, High int }

// broken returns the sentences about the bounds that n breaks, the lower first.
func (l Length) broken(n int) (texts []string) {
	if l.Low >= 0 && n < l.Low {
		texts = append(texts, lengthAtLeast(l.Low))
	}
	if l.High >= 0 && n > l.High {
		texts = append(texts, lengthAtMost(l.High))
	}
	return texts
}

func lengthAtLeast(n int) string {
	return "Member must have length greater than or equal to " + strconv.Itoa(n)
}

func lengthAtMost(n int) string {
	return "Member must have length less than or equal to " + strconv.Itoa(n)
}

// Text is the rule of a string shape. The zero value of Length is not "no bound": give -1s.
type Text struct {
	Length    Length   // in UTF-16 units
	Pattern   *Pattern // nil = any
	Enum      []string // nil = any; in the order that AWS prints
	Sensitive bool
}

// Check judges a string member.
func (t *Text) Check(c *Checks, name, value string) {
	for _, text := range t.broken(value) {
		if c.Discreet && strings.HasPrefix(text, enumSet) {
			text = enumSet
		}
		c.fail(name, t.Sensitive, func() string { return value }, text)
	}
}

func (t *Text) broken(value string) (texts []string) {
	if t.Pattern != nil && !t.Pattern.Match(value) {
		texts = append(texts, t.Pattern.text())
	}
	if t.Length.Low > 0 || t.Length.High >= 0 {
		texts = append(texts, t.Length.broken(wire.UnitLength(value))...)
	}
	if t.Enum != nil && !slices.Contains(t.Enum, value) {
		texts = append(texts, t.enumText())
	}
	return texts
}

// enumSet is what is said of an enum before its values.
const enumSet = "Member must satisfy enum value set"

func (t *Text) enumText() string {
	return enumSet + ": [" + strings.Join(t.Enum, ", ") + "]"
}

// all lists every constraint of the rule, as AWS does when the shape is a member of a list or map.
func (t *Text) all(notNull bool) string {
	var texts []string
	if t.Length.High >= 0 {
		texts = append(texts, lengthAtMost(t.Length.High))
	}
	if t.Length.Low >= 0 {
		texts = append(texts, lengthAtLeast(t.Length.Low))
	}
	if t.Pattern != nil {
		texts = append(texts, t.Pattern.text())
	}
	if t.Enum != nil {
		texts = append(texts, t.enumText())
	}
	if notNull {
		texts = append(texts, "Member must not be null")
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// Blob is the rule of a blob shape.
type Blob struct {
	Length    Length // in bytes, decoded
	Sensitive bool
}

// Check judges a blob member.
func (b *Blob) Check(c *Checks, name string, value []byte) {
	for _, text := range b.Length.broken(len(value)) {
		c.fail(name, b.Sensitive, func() string { return renderBlob(value) }, text)
	}
}

func renderBlob(value []byte) string {
	return fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", len(value), len(value))
}

// Integer is the rule of an integer or long shape. The bounds are math.MinInt64 and math.MaxInt64 when there are none.
type Integer struct {
	Low, High int64
	Sensitive bool
}

// Check judges an integer member.
func (i *Integer) Check(c *Checks, name string, value int64) {
	render := func() string { return strconv.FormatInt(value, 10) }
	if value < i.Low {
		c.fail(name, i.Sensitive, render, "Member must have value greater than or equal to "+strconv.FormatInt(i.Low, 10))
	}
	if value > i.High {
		c.fail(name, i.Sensitive, render, "Member must have value less than or equal to "+strconv.FormatInt(i.High, 10))
	}
}

// Double is the rule of a floating-point shape, with both bounds.
type Double struct{ Low, High float64 }

// Check judges a floating-point member.
func (d *Double) Check(c *Checks, name string, value float64) {
	render := func() string { return renderDouble(value) }
	if value < d.Low {
		c.fail(name, false, render, "Member must have value greater than or equal to "+renderDouble(d.Low))
	}
	if value > d.High {
		c.fail(name, false, render, "Member must have value less than or equal to "+renderDouble(d.High))
	}
}

// all lists both constraints, as AWS does when the shape is the value of a map.
func (d *Double) all(notNull bool) string {
	text := "[Member must have value less than or equal to " + renderDouble(d.High) +
		", Member must have value greater than or equal to " + renderDouble(d.Low)
	if notNull {
		text += ", Member must not be null"
	}
	return text + "]"
}

func renderDouble(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// Texts is the rule of a list of strings.
type Texts struct {
	Length    Length // of the list
	Member    *Text  // nil = any
	NotNull   bool   // whether AWS lists "not null" among the constraints of members
	Sensitive bool
}

// Check judges a list of strings.
func (t *Texts) Check(c *Checks, name string, list []string) {
	render := func() string { return "[" + strings.Join(list, ", ") + "]" }
	for _, text := range t.Length.broken(len(list)) {
		c.fail(name, t.Sensitive, render, text)
	}
	if t.Member == nil {
		return
	}
	if slices.ContainsFunc(list, func(s string) bool { return len(t.Member.broken(s)) > 0 }) {
		c.fail(name, t.Sensitive || t.Member.Sensitive, render, "Member must satisfy constraint: "+t.Member.all(t.NotNull))
	}
}

// TextMap is the rule of a map of strings to strings.
type TextMap struct {
	Length     Length // of the map
	Key, Value *Text  // nil = any
	NotNull    bool   // whether AWS lists "not null" among the constraints of keys and values
	Sensitive  bool
}

// Check judges a map of strings.
func (t *TextMap) Check(c *Checks, name string, m map[string]string) {
	render := func() string { return renderMap(m) }
	checkMap(c, name, m, t.Length, t.Key, t.NotNull, t.Sensitive, render)
	if t.Value == nil {
		return
	}
	for _, value := range m {
		if len(t.Value.broken(value)) > 0 {
			c.fail(name, t.Sensitive || t.Value.Sensitive, render, "Map value must satisfy constraint: "+t.Value.all(t.NotNull))
			return
		}
	}
}

func renderMap(m map[string]string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, key := range Keys(m) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(key + "=" + m[key])
	}
	b.WriteByte('}')
	return b.String()
}

// DoubleMap is the rule of a map of strings to floating-point numbers.
type DoubleMap struct {
	Length  Length  // of the map
	Key     *Text   // nil = any
	Value   *Double // nil = any
	NotNull bool    // whether AWS lists "not null" among the constraints of values
}

// Check judges a map of numbers. Of the keys AWS does not say that they are not null.
func (d *DoubleMap) Check(c *Checks, name string, m map[string]float64) {
	flat := make(map[string]string, len(m))
	for key, value := range m {
		flat[key] = renderDouble(value)
	}
	render := func() string { return renderMap(flat) }
	checkMap(c, name, m, d.Length, d.Key, false, false, render)
	if d.Value == nil {
		return
	}
	for _, value := range m {
		if !(value >= d.Value.Low && value <= d.Value.High) {
			c.fail(name, false, render, "Map value must satisfy constraint: "+d.Value.all(d.NotNull))
			return
		}
	}
}

func checkMap[T any](c *Checks, name string, m map[string]T, length Length, key *Text, notNull, sensitive bool, render func() string) {
	for _, text := range length.broken(len(m)) {
		c.fail(name, sensitive, render, text)
	}
	if key == nil {
		return
	}
	for k := range m {
		if len(key.broken(k)) > 0 {
			c.fail(name, sensitive || key.Sensitive, render, "Map keys must satisfy constraint: "+key.all(notNull))
			return
		}
	}
}

// TextListMap is the rule of a map of strings to lists of strings.
type TextListMap struct {
	Length    Length
	Key       *Text // nil = any
	Value     *Texts
	NotNull   bool
	Sensitive bool
}

// Check judges a map of lists.
func (t *TextListMap) Check(c *Checks, name string, m map[string][]string) {
	flat := make(map[string]string, len(m))
	for key, list := range m {
		flat[key] = "[" + strings.Join(list, ", ") + "]"
	}
	render := func() string { return renderMap(flat) }
	checkMap(c, name, m, t.Length, t.Key, t.NotNull, t.Sensitive, render)
	for _, key := range Keys(m) {
		var inner Checks
		t.Value.Check(&inner, key, m[key])
		if len(inner.findings) > 0 {
			c.fail(name, t.Sensitive, render, "Map value must satisfy constraint: "+t.valueText())
			return
		}
	}
}

func (t *TextListMap) valueText() string {
	var texts []string
	if high := t.Value.Length.High; high >= 0 {
		texts = append(texts, lengthAtMost(high))
	}
	if low := t.Value.Length.Low; low >= 0 {
		texts = append(texts, lengthAtLeast(low))
	}
	if t.Value.Member != nil {
		texts = append(texts, "Member must satisfy constraint: "+t.Value.Member.all(t.NotNull))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// Count is the rule of a list of structures or of blobs, or of a map of structures: of its length only.
type Count struct {
	Length    Length
	Class     string // of an element, as Java names it
	Sensitive bool
}

// Check judges the number of elements.
func (l *Count) Check(c *Checks, name string, n int) {
	for _, text := range l.Length.broken(n) {
		c.fail(name, l.Sensitive, func() string { return l.render(n) }, text)
	}
}

// render prints structures as Java does: by class and identity, of which the latter is arbitrary.
func (l *Count) render(n int) string {
	const shown = 10000
	var b strings.Builder
	b.WriteByte('[')
	for i := range min(n, shown) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s@%x", l.Class, 0xc965e310+uint32(i)*0x9e3779b1)
	}
	b.WriteByte(']')
	return b.String()
}
