package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Explanation says whether a record passes, and why.
type Explanation struct {
	Matched bool        `json:"matched"`
	Filters []Judgement `json:"filters"` // of each pattern, in their order
}

// Judgement is what one pattern comes to. When it matched, its comparisons are all that made it match; when it did not,
// they are those that failed: the first key that did, or one of each alternative.
type Judgement struct {
	Matched     bool         `json:"matched"`
	Comparisons []Comparison `json:"comparisons"`
}

// Comparison is what one key of a pattern found.
type Comparison struct {
	Key     string `json:"key"`     // from the record on, its names joined by dots
	Value   string `json:"value"`   // JSON, or what there is in its place, in words
	Pattern string `json:"pattern"` // the comparison that matched, or all that did not; "" when nothing could be compared
	Matched bool   `json:"matched"`
}

// String tells the comparison as a sentence without its end.
func (c Comparison) String() string {
	what := "matches none of"
	switch {
	case c.Matched:
		what = "matches"
	case c.Pattern == "":
		return fmt.Sprintf("%s is %s", c.Key, c.Value)
	}
	return fmt.Sprintf("%s is %s, which %s %s", c.Key, shorten(c.Value), what, shorten(c.Pattern))
}

// shorten keeps what fits into a line.
func shorten(text string) string {
	const most = 120
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

// Explain says whether a record passes, as Match does, and why. It is slow, and holds the record in memory several times.
func (s *Set) Explain(r *Record) Explanation {
	record := map[string]any{keyVersion: schemaVersion}
	for name, text := range map[string]string{keyPartitionKey: r.PartitionKey, keySequenceNumber: r.SequenceNumber} {
		if text != "" {
			record[name] = text
		}
	}
	if r.ApproximateArrivalTimestamp != "" {
		record[keyArrival] = json.Number(r.ApproximateArrivalTimestamp)
	}
	data, trouble := decodePayload(r.Data)
	if trouble == "" {
		record[keyData] = data
	}
	e := Explanation{Filters: []Judgement{}}
	for _, p := range s.patterns {
		matched, comparisons := p.explain(record, trouble)
		e.Matched = e.Matched || matched
		e.Filters = append(e.Filters, Judgement{Matched: matched, Comparisons: comparisons})
	}
	return e
}

// decodePayload returns the object that a payload is, or says in words what it is instead.
func decodePayload(payload []byte) (object map[string]any, trouble string) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var value any
	if !utf8.Valid(payload) || d.Decode(&value) != nil {
		return nil, "not valid JSON"
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, "not valid JSON"
	}
	object, ok := value.(map[string]any)
	switch {
	case !ok:
		return nil, kindOf(value) + ", not an object"
	case depthOf(payload) > maxDepth:
		return nil, fmt.Sprintf("nested more than %d deep", maxDepth)
	}
	return object, ""
}

// depthOf returns how deep the objects and arrays of valid JSON lie in each other, those of members included that a later
// one of the same name has replaced.
func depthOf(text []byte) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
		case inString:
		case c == '{', c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}', c == ']':
			depth--
		}
	}
	return deepest
}

// explain holds an object against the pattern. Trouble, when the object is a record, is what is wrong with its data.
func (p *pattern) explain(object map[string]any, trouble string) (bool, []Comparison) {
	comparisons := []Comparison{}
	for i := range p.keys {
		k := &p.keys[i]
		if k.path == keyData && trouble != "" {
			return false, []Comparison{{Key: keyData, Value: trouble}}
		}
		value, present := object[k.name]
		matched, found := k.explain(value, present)
		if !matched {
			return false, found
		}
		comparisons = append(comparisons, found...)
	}
	for _, alternatives := range p.ors {
		matched, found := explainAny(alternatives, object, trouble)
		if !matched {
			return false, found
		}
		comparisons = append(comparisons, found...)
	}
	return true, comparisons
}

func explainAny(alternatives []*pattern, object map[string]any, trouble string) (bool, []Comparison) {
	var failed []Comparison
	for _, p := range alternatives {
		matched, found := p.explain(object, trouble)
		if matched {
			return true, found
		}
		failed = append(failed, found...)
	}
	return false, failed
}

func (k *key) explain(value any, present bool) (bool, []Comparison) {
	if k.leaf != nil {
		text, matched := k.leaf.find(value, present)
		return matched, []Comparison{{Key: k.path, Value: inWords(value, present), Pattern: text, Matched: matched}}
	}
	switch value := value.(type) {
	case map[string]any:
		return k.within.explain(value, "")
	case []any:
		if len(value) > 0 {
			return k.explainElements(value)
		}
	}
	return k.within.explain(nil, "")
}

// explainElements looks for an element that matches, and tells of the first if there is none.
func (k *key) explainElements(elements []any) (bool, []Comparison) {
	var failed []Comparison
	for i, element := range elements {
		matched, found := k.explain(element, true)
		if matched {
			return true, found
		}
		if i == 0 {
			failed = found
		}
	}
	return false, failed
}

const absence = `{"exists":false}`

// find returns the comparison that a value meets, or all if there is none.
func (l *leaf) find(value any, present bool) (string, bool) {
	elements, isArray := value.([]any)
	_, isObject := value.(map[string]any)
	switch {
	case !present || isObject || isArray && len(elements) == 0:
		if l.absent {
			return absence, true
		}
	case isArray:
		for _, element := range elements {
			if text, matched := l.find(element, true); matched {
				return text, true
			}
		}
	default:
		for i, t := range l.tests {
			if t.matches(scalar(literalOf(value))) {
				return l.texts[i], true
			}
		}
	}
	return l.text, false
}

// inWords writes a value, or says that there is none.
func inWords(value any, present bool) string {
	if !present {
		return "absent"
	}
	if _, ok := value.(map[string]any); ok {
		return "an object"
	}
	return strings.ToValidUTF8(textOf(value), "�")
}
