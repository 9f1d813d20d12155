package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxLength is the most characters of a pattern.
const MaxLength = 4096

// The names of a record's members.
const (
	keyData           = "data"
	keyPartitionKey   = "partitionKey"
	keySequenceNumber = "sequenceNumber"
	keyVersion        = "kinesisSchemaVersion"
	keyArrival        = "approximateArrivalTimestamp"
)

// schemaVersion is the kinesisSchemaVersion of every record.
const schemaVersion = "1.0"

// PatternError says why a pattern is none.
type PatternError struct {
	Path   string // where in the pattern, its keys joined by dots; "" for the whole
	Reason string
}

func (e *PatternError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// pattern is a condition on an object: all keys match, and one alternative of each $or does.
type pattern struct {
	keys []key // in the order of their names
	ors  [][]*pattern
}

// key is a condition on one member: on its value, when leaf is set, or on an object within.
type key struct {
	name   string
	path   string // from the record on, for people
	leaf   *leaf
	within *pattern
}

// leaf is a condition on a value: one of the tests matches, or the value is absent and that is what was asked for.
type leaf struct {
	tests  []test
	texts  []string // the tests as the pattern has them
	absent bool     // {"exists": false} is among them
	text   string   // the whole array
}

// matchesNothing reports whether an object without any of the keys matches.
func (p *pattern) matchesNothing() bool {
	for i := range p.keys {
		if k := &p.keys[i]; k.leaf != nil && !k.leaf.absent || k.within != nil && !k.within.matchesNothing() {
			return false
		}
	}
	for _, alternatives := range p.ors {
		if !slices.ContainsFunc(alternatives, (*pattern).matchesNothing) {
			return false
		}
	}
	return true
}

// parse reads a pattern.
func parse(text string) (*pattern, error) {
	value, err := decode(text)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, &PatternError{Reason: fmt.Sprintf("a pattern is an object, not %s", kindOf(value))}
	}
	return parseObject("", object)
}

// decode reads the JSON of a pattern. Of several members of one name it keeps the last.
func decode(text string) (any, error) {
	switch {
	case utf8.RuneCountInString(text) > MaxLength:
		return nil, &PatternError{Reason: fmt.Sprintf("a pattern has at most %d characters", MaxLength)}
	case !utf8.ValidString(text):
		return nil, &PatternError{Reason: "a pattern is UTF-8"}
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, &PatternError{Reason: "the pattern is not valid JSON: " + reasonOf(err)}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &PatternError{Reason: "the pattern is not valid JSON: something follows its end"}
	}
	return value, nil
}

func reasonOf(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return err.Error()
}

func parseObject(path string, object map[string]any) (*pattern, error) {
	if len(object) == 0 {
		return nil, &PatternError{path, "an empty object asks for nothing"}
	}
	p := &pattern{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value := object[name]
		if alternatives, ok := alternativesOf(name, value); ok {
			or, err := parseAlternatives(path, alternatives)
			if err != nil {
				return nil, err
			}
			p.ors = append(p.ors, or)
			continue
		}
		k, err := parseKey(path, name, value)
		if err != nil {
			return nil, err
		}
		p.keys = append(p.keys, k)
	}
	return p, nil
}

func parseKey(path, name string, value any) (k key, err error) {
	k = key{name: name, path: join(path, name)}
	switch value := value.(type) {
	case map[string]any:
		k.within, err = parseObject(k.path, value)
	case []any:
		if k.path == keyData {
			return k, &PatternError{k.path, "the pattern of data is an object, not an array"}
		}
		k.leaf, err = parseLeaf(k.path, value)
	default:
		what := "an array of comparisons or an object is wanted"
		if k.path == keyData {
			what = "the pattern of data is an object"
		}
		err = &PatternError{k.path, fmt.Sprintf("%s, not %s", what, kindOf(value))}
	}
	return k, err
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// alternativesOf returns the alternatives if this is an "$or". An array beside that name which holds anything but
// patterns, or less than two of them, is the condition on a member of this odd name.
func alternativesOf(name string, value any) ([]map[string]any, bool) {
	elements, ok := value.([]any)
	if name != "$or" || !ok || len(elements) < 2 {
		return nil, false
	}
	alternatives := make([]map[string]any, 0, len(elements))
	for _, element := range elements {
		object, ok := element.(map[string]any)
		if !ok || len(object) == 1 && isOperator(object) {
			return nil, false
		}
		alternatives = append(alternatives, object)
	}
	return alternatives, true
}

func parseAlternatives(path string, alternatives []map[string]any) ([]*pattern, error) {
	or := make([]*pattern, 0, len(alternatives))
	for _, object := range alternatives {
		p, err := parseObject(path, object)
		if err != nil {
			return nil, err
		}
		or = append(or, p)
	}
	return or, nil
}

// kindOf names the kind of a decoded value with its article.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	}
	return "an object"
}
