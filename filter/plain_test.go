package filter

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// plainMatch holds a record against a pattern that is known to be valid. It does so in the plainest way, with maps and
// the library's own strings, regular expressions and fractions, so that it is right at sight.
func plainMatch(text string, r *Record) bool {
	var pattern map[string]any
	plainDecode(text, &pattern)
	record := map[string]any{"kinesisSchemaVersion": "1.0"}
	if r.PartitionKey != "" {
		record["partitionKey"] = r.PartitionKey
	}
	var data any
	if plainDecode(string(r.Data), &data) {
		record["data"] = data
	}
	return plainObject(pattern, record, true)
}

func plainDecode(text string, into any) bool {
	if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
		return false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return d.Decode(into) == nil
}

func plainObject(pattern, object map[string]any, record bool) bool {
	for name, want := range pattern {
		value, present := object[name]
		if _, isObject := value.(map[string]any); record && name == "data" && !isObject {
			return false
		}
		if alternatives, ok := plainAlternatives(name, want); ok {
			any := false
			for _, alternative := range alternatives {
				any = any || plainObject(alternative, object, record)
			}
			if !any {
				return false
			}
		} else if !plainValue(want, value, present) {
			return false
		}
	}
	return true
}

func plainAlternatives(name string, want any) (alternatives []map[string]any, ok bool) {
	list, _ := want.([]any)
	for _, element := range list {
		object, isObject := element.(map[string]any)
		if !isObject {
			return nil, false
		}
		for key := range object {
			if len(object) == 1 && strings.Contains(" prefix suffix equals-ignore-case wildcard cidr numeric anything-but exists ", " "+key+" ") {
				return nil, false
			}
		}
		alternatives = append(alternatives, object)
	}
	return alternatives, name == "$or" && len(list) > 1
}

// plainValue holds a value against what stands beside its name: an object or an array.
func plainValue(want, value any, present bool) bool {
	if list, ok := value.([]any); ok && len(list) > 0 {
		for _, element := range list {
			if plainValue(want, element, true) {
				return true
			}
		}
		return false
	}
	inside, isObject := value.(map[string]any)
	if within, ok := want.(map[string]any); ok {
		return plainObject(within, inside, false)
	}
	_, isList := value.([]any)
	for _, test := range want.([]any) {
		operator, _ := test.(map[string]any)
		if exists, ok := operator["exists"]; ok {
			if exists == (present && !isObject && !isList) {
				return true
			}
		} else if present && !isObject && !isList && plainTest(test, value) {
			return true
		}
	}
	return false
}

func plainTest(test, value any) bool {
	operators, ok := test.(map[string]any)
	if !ok {
		return test == value
	}
	for operator, operand := range operators {
		return plainOperator(operator, operand, value)
	}
	return false
}

func plainOperator(operator string, operand, value any) bool {
	text, isString := value.(string)
	if object, ok := operand.(map[string]any); ok && operator != "anything-but" {
		pattern := "^(?is:" + regexp.QuoteMeta(object["equals-ignore-case"].(string)) + ")"
		if operator == "suffix" {
			pattern = pattern[1:] + "$"
		}
		return isString && regexp.MustCompile(pattern).MatchString(text)
	}
	switch operator {
	case "prefix":
		return isString && strings.HasPrefix(text, operand.(string))
	case "suffix":
		return isString && strings.HasSuffix(text, operand.(string))
	case "equals-ignore-case":
		return isString && strings.EqualFold(text, operand.(string))
	case "wildcard":
		pattern := regexp.QuoteMeta(operand.(string))
		pattern = strings.NewReplacer(`\\\\`, `\\`, `\\\*`, `\*`, `\*`, `.*`).Replace(pattern)
		return isString && regexp.MustCompile("^(?s:"+pattern+")$").MatchString(text)
	case "cidr":
		address, err := netip.ParseAddr(text)
		return isString && err == nil && netip.MustParsePrefix(operand.(string)).Contains(address)
	case "numeric":
		return plainNumeric(operand.([]any), value)
	}
	return !plainBut(operand, value)
}

// plainBut reports whether one of what is excluded by anything-but fits.
func plainBut(operand, value any) bool {
	switch operand := operand.(type) {
	case map[string]any:
		for operator, inner := range operand {
			list, ok := inner.([]any)
			if !ok {
				list = []any{inner}
			}
			for _, one := range list {
				if plainOperator(operator, one, value) {
					return true
				}
			}
		}
		return false
	case []any:
		for _, one := range operand {
			if one == value {
				return true
			}
		}
		return false
	}
	return operand == value
}

func plainNumeric(bounds []any, value any) bool {
	number, ok := value.(json.Number)
	if !ok {
		return false
	}
	n, _ := new(big.Rat).SetString(string(number))
	for i := 0; i < len(bounds); i += 2 {
		bound, _ := new(big.Rat).SetString(string(bounds[i+1].(json.Number)))
		c := n.Cmp(bound)
		holds := map[string]bool{"=": c == 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}
		if !holds[bounds[i].(string)] {
			return false
		}
	}
	return true
}
