package filter

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// numeric is a range of numbers. A bound that is nil does not bound.
type numeric struct {
	low, high             []byte
	lowCounts, highCounts bool // the bound itself is in the range
}

func (t numeric) matches(v scalar) bool {
	if v.kind != kindNumber {
		return false
	}
	if t.low != nil {
		if c := compareNumbers(v.text, t.low); c < 0 || c == 0 && !t.lowCounts {
			return false
		}
	}
	if t.high != nil {
		if c := compareNumbers(v.text, t.high); c > 0 || c == 0 && !t.highCounts {
			return false
		}
	}
	return true
}

// parseNumeric reads ["=", n], a bound such as [">", n], or a lower and an upper bound in this order.
func parseNumeric(path string, operand any) (test, error) {
	list, ok := operand.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, &PatternError{path, `numeric wants an array such as [">", 0] or [">", 0, "<=", 5]`}
	}
	var t numeric
	for i := 0; i < len(list); i += 2 {
		operator, ok := list[i].(string)
		if !ok {
			return nil, &PatternError{path, "numeric wants an operator, not " + kindOf(list[i])}
		}
		number, ok := list[i+1].(json.Number)
		if !ok {
			return nil, &PatternError{path, fmt.Sprintf("numeric wants a number after %q, not %s", operator, kindOf(list[i+1]))}
		}
		if !t.bound(operator, []byte(number)) {
			return nil, &PatternError{path, fmt.Sprintf("numeric: %q is not one of = < <= > >=", operator)}
		}
	}
	if len(list) == 4 {
		if lower, _ := list[0].(string); lower[0] != '>' || t.high == nil {
			return nil, &PatternError{path, "numeric: a range has a lower bound and then an upper one"}
		}
		if compareNumbers(t.low, t.high) >= 0 {
			return nil, &PatternError{path, "numeric: the lower bound of a range is below the upper one"}
		}
	}
	return t, nil
}

// bound sets what an operator and its number say, and reports whether there is such an operator.
func (t *numeric) bound(operator string, number []byte) bool {
	switch operator {
	case "=":
		t.low, t.lowCounts, t.high, t.highCounts = number, true, number, true
	case "<", "<=":
		t.high, t.highCounts = number, operator == "<="
	case ">", ">=":
		t.low, t.lowCounts = number, operator == ">="
	default:
		return false
	}
	return true
}

// compareNumbers compares two JSON numbers by their values, exactly.
func compareNumbers(a, b []byte) int {
	x, y := newDecimal(a), newDecimal(b)
	if x.sign != y.sign || x.sign == 0 {
		return x.sign - y.sign
	}
	return x.sign * x.compare(y)
}

// decimal is a number as 0.d₁d₂d₃… × 10^exponent, with d₁ not zero. Its digits are looked up in the number's own text,
// so that a number of any length takes no memory.
type decimal struct {
	sign     int    // -1, 0, 1
	digits   []byte // from d₁ on, perhaps with the decimal point among them
	exponent int64
}

// farExponent bounds exponents. Numbers beyond it are as good as infinite, or zero.
const farExponent = 1 << 40

func newDecimal(text []byte) decimal {
	d := decimal{sign: 1}
	if text[0] == '-' {
		d.sign, text = -1, text[1:]
	}
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		d.exponent = parseExponent(text[i+1:])
		text = text[:i]
	}
	first := bytes.IndexAny(text, "123456789")
	if first < 0 {
		return decimal{}
	}
	d.digits = text[first:]
	point := bytes.IndexByte(text, '.')
	switch {
	case point < 0:
		d.exponent += int64(len(text) - first)
	case first < point:
		d.exponent += int64(point - first)
	default:
		d.exponent -= int64(first - point - 1)
	}
	return d
}

func parseExponent(text []byte) int64 {
	negative, n := false, int64(0)
	for _, c := range text {
		switch {
		case c == '-':
			negative = true
		case c != '+':
			n = min(n*10+int64(c-'0'), farExponent)
		}
	}
	if negative {
		return -n
	}
	return n
}

// compare compares the amounts of two numbers that are not zero.
func (d decimal) compare(e decimal) int {
	if d.exponent != e.exponent {
		if d.exponent < e.exponent {
			return -1
		}
		return 1
	}
	for len(d.digits) > 0 || len(e.digits) > 0 {
		if x, y := d.next(), e.next(); x != y {
			return int(x) - int(y)
		}
	}
	return 0
}

// next takes a digit from the front; zeros follow the last one.
func (d *decimal) next() byte {
	if len(d.digits) > 0 && d.digits[0] == '.' {
		d.digits = d.digits[1:]
	}
	if len(d.digits) == 0 {
		return '0'
	}
	c := d.digits[0]
	d.digits = d.digits[1:]
	return c
}
