package policy

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// condition is one key of a Condition, with one operator.
type condition struct {
	operator  operator
	negated   bool
	quantity  quantity
	ifExists  bool
	variables bool
	allow     bool   // it is a condition of an Allow
	name      string // of the key, as it is written
	key       string // in small letters
	values    []string
}

// quantity says how a key with several values is judged.
type quantity int

const (
	single quantity = iota
	anyOf
	allOf
)

// operator compares a value of the request with one of the policy.
type operator func(c *condition, have, want string, keys keyring) bool

// operators are those there are, without Not in their names.
var operators = map[string]operator{
	"stringequals":             plain(func(have, want string) bool { return have == want }),
	"stringequalsignorecase":   plain(strings.EqualFold),
	"stringlike":               glob(match),
	"arnequals":                glob(matchARN),
	"arnlike":                  glob(matchARN),
	"numericequals":            number(func(have, want float64) bool { return have == want }),
	"numericlessthan":          number(func(have, want float64) bool { return have < want }),
	"numericlessthanequals":    number(func(have, want float64) bool { return have <= want }),
	"numericgreaterthan":       number(func(have, want float64) bool { return have > want }),
	"numericgreaterthanequals": number(func(have, want float64) bool { return have >= want }),
	"dateequals":               date(func(order int) bool { return order == 0 }),
	"datelessthan":             date(func(order int) bool { return order < 0 }),
	"datelessthanequals":       date(func(order int) bool { return order <= 0 }),
	"dategreaterthan":          date(func(order int) bool { return order > 0 }),
	"dategreaterthanequals":    date(func(order int) bool { return order >= 0 }),
	"bool":                     plain(strings.EqualFold),
	"binaryequals":             plain(func(have, want string) bool { return have == want }),
	"ipaddress":                plain(inNetwork),
	"null":                     nil, // judged by itself
}

// negations are the operators whose names hold a Not, by what they negate.
var negations = map[string]string{
	"stringnotequals": "stringequals", "stringnotequalsignorecase": "stringequalsignorecase", "stringnotlike": "stringlike",
	"arnnotequals": "arnequals", "arnnotlike": "arnlike", "numericnotequals": "numericequals", "datenotequals": "dateequals",
	"notipaddress": "ipaddress",
}

func plain(compare func(have, want string) bool) operator {
	return func(c *condition, have, want string, keys keyring) bool {
		p, ok := pattern(want, c.variables, keys)
		// Wildcards are characters like others here.
		p = strings.NewReplacer(string(rune(anyText)), "*", string(rune(anyChar)), "?").Replace(p)
		return ok && compare(have, p)
	}
}

func glob(compare func(p, text string) bool) operator {
	return func(c *condition, have, want string, keys keyring) bool {
		p, ok := pattern(want, c.variables, keys)
		return ok && compare(p, have)
	}
}

func number(compare func(have, want float64) bool) operator {
	return func(_ *condition, have, want string, _ keyring) bool {
		a, err1 := strconv.ParseFloat(have, 64)
		b, err2 := strconv.ParseFloat(want, 64)
		return err1 == nil && err2 == nil && compare(a, b)
	}
}

func date(compare func(order int) bool) operator {
	return func(_ *condition, have, want string, _ keyring) bool {
		a, ok1 := moment(have)
		b, ok2 := moment(want)
		return ok1 && ok2 && compare(a.Compare(b))
	}
}

// moment reads a date in one of W3C's forms of ISO 8601, or as seconds since 1970.
func moment(text string) (time.Time, bool) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && len(text) > 4 {
		return time.Unix(seconds, 0), true
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func inNetwork(have, want string) bool {
	address, err := netip.ParseAddr(have)
	if err != nil {
		return false
	}
	address = address.Unmap().WithZone("")
	if network, err := netip.ParsePrefix(want); err == nil {
		return network.Contains(address)
	}
	other, err := netip.ParseAddr(want)
	return err == nil && other.Unmap() == address
}

func (s *Statement) readConditions(text json.RawMessage) error {
	operators, err := members(text)
	if err != nil {
		return err
	}
	for name, text := range operators {
		c, err := readOperator(name)
		if err != nil {
			return err
		}
		c.variables, c.allow = s.variables, s.Allow
		keys, err := members(text)
		if err != nil {
			return err
		}
		for key, values := range keys {
			one := c
			if one.name, one.key = key, strings.ToLower(key); !strings.Contains(key, ":") {
				return ErrVendor
			}
			if one.values, err = texts(values); err != nil {
				return ErrSyntax
			}
			s.conditions = append(s.conditions, one)
		}
	}
	return nil
}

// readOperator takes ForAllValues:StringNotLikeIfExists apart.
func readOperator(name string) (c condition, err error) {
	name = strings.ToLower(name)
	if rest, ok := strings.CutPrefix(name, "forallvalues:"); ok {
		name, c.quantity = rest, allOf
	} else if rest, ok := strings.CutPrefix(name, "foranyvalue:"); ok {
		name, c.quantity = rest, anyOf
	}
	name, c.ifExists = strings.CutSuffix(name, "ifexists")
	if positive, ok := negations[name]; ok {
		name, c.negated = positive, true
	}
	op, known := operators[name]
	if !known || op == nil && (c.ifExists || c.quantity != single) {
		return c, ErrSyntax
	}
	c.operator = op
	return c, nil
}

// holds reports whether the condition is true of a request.
func (c *condition) holds(keys keyring) bool {
	have := keys.get(c.key)
	if c.operator == nil { // Null
		return slices.ContainsFunc(c.values, func(want string) bool { return strings.EqualFold(want, "true") == (len(have) == 0) })
	}
	if len(have) == 0 {
		return c.ifExists || c.quantity == allOf || c.negated && c.quantity == single
	}
	if c.negated && c.allow && c.vague(keys) {
		return false // what is excepted is not known: so nothing is allowed
	}
	one := func(value string) bool {
		found := slices.ContainsFunc(c.values, func(want string) bool { return c.operator(c, value, want, keys) })
		return found != c.negated
	}
	if c.quantity == allOf || c.negated && c.quantity == single {
		return !slices.ContainsFunc(have, func(value string) bool { return !one(value) })
	}
	return slices.ContainsFunc(have, one)
}

// vague reports whether a value of the policy has a variable that has none.
func (c *condition) vague(keys keyring) bool {
	return c.variables && slices.ContainsFunc(c.values, func(want string) bool {
		_, known := pattern(want, true, keys)
		return !known
	})
}
