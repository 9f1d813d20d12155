package expression

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	// ErrSyntax says that an expression cannot be read, or asks for what is not offered.
	ErrSyntax = errors.New("metric math is not understood")
	// ErrKind says that a value is of the wrong kind for what is done with it.
	ErrKind = errors.New("wrong kind of value")
)

// maxDepth bounds how deep brackets and signs are nested.
const maxDepth = 64

// Expression is a parsed expression.
type Expression struct {
	root node
	ids  []string
	all  bool
}

// Uses returns the ids that the expression names, and whether it also uses METRICS(), which is all metrics of the
// request.
func (e *Expression) Uses() (ids []string, all bool) { return e.ids, e.all }

// Parse reads an expression, or returns ErrSyntax.
func Parse(s string) (*Expression, error) {
	tokens, err := split(s)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, e: &Expression{}}
	if p.e.root, err = p.sum(0); err != nil {
		return nil, err
	}
	if p.peek().kind != end {
		return nil, p.unexpected()
	}
	return p.e, nil
}

type parser struct {
	tokens []token
	e      *Expression
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the sign, if it is next.
func (p *parser) accept(s string) bool {
	if t := p.peek(); t.kind == sign && t.text == s {
		p.next()
		return true
	}
	return false
}

func (p *parser) unexpected() error {
	if p.peek().kind == end {
		return fmt.Errorf("the expression ends too early: %w", ErrSyntax)
	}
	return fmt.Errorf("%s is not expected: %w", p.peek().text, ErrSyntax)
}

// sum reads terms with + and - between them.
func (p *parser) sum(depth int) (node, error) {
	return p.chain(depth, "+-", p.product)
}

// product reads factors with * and / between them.
func (p *parser) product(depth int) (node, error) {
	return p.chain(depth, "*/", p.factor)
}

func (p *parser) chain(depth int, signs string, part func(int) (node, error)) (node, error) {
	left, err := part(depth)
	for err == nil && p.peek().kind == sign && strings.Contains(signs, p.peek().text) {
		operator := p.next().text[0]
		var right node
		if right, err = part(depth); err == nil {
			left = operation{operator, left, right}
		}
	}
	return left, err
}

// factor reads a value.
func (p *parser) factor(depth int) (node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the expression is nested too deep: %w", ErrSyntax)
	}
	switch {
	case p.accept("-"):
		inner, err := p.factor(depth + 1)
		return operation{'-', constant(0), inner}, err
	case p.accept("("):
		inner, err := p.sum(depth + 1)
		if err == nil && !p.accept(")") {
			err = p.unexpected()
		}
		return inner, err
	case p.accept("["):
		items, err := p.arguments(depth+1, "]")
		return list(items), err
	}
	switch t := p.peek(); t.kind {
	case number:
		v, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, p.unexpected()
		}
		p.next()
		return constant(v), nil
	case name:
		p.next()
		if p.accept("(") {
			return p.call(depth+1, t.text)
		}
		p.e.ids = append(p.e.ids, t.text)
		return id(t.text), nil
	}
	return nil, p.unexpected()
}

// arguments reads values with commas between them, up to the sign that closes them.
func (p *parser) arguments(depth int, closing string) ([]node, error) {
	var items []node
	for !p.accept(closing) {
		if len(items) > 0 && !p.accept(",") {
			return nil, p.unexpected()
		}
		item, err := p.sum(depth)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// call reads the arguments of a function.
func (p *parser) call(depth int, function string) (node, error) {
	switch function {
	case "SUM", "AVG", "MIN", "MAX":
		items, err := p.arguments(depth, ")")
		if err == nil && len(items) != 1 {
			err = fmt.Errorf("%s takes one value: %w", function, ErrSyntax)
		}
		if err != nil {
			return nil, err
		}
		return summary{function, items[0]}, nil
	case "FILL":
		return p.fill(depth)
	case "METRICS":
		p.e.all = true
		m := metrics{}
		if t := p.peek(); t.kind == text {
			m.part = strings.Trim(p.next().text, t.text[:1])
		}
		if !p.accept(")") {
			return nil, p.unexpected()
		}
		return m, nil
	}
	return nil, fmt.Errorf("the function %s is not offered: %w", function, ErrSyntax)
}

// fill reads the arguments of FILL: a value, and a number or REPEAT or LINEAR.
func (p *parser) fill(depth int) (node, error) {
	of, err := p.sum(depth)
	if err != nil {
		return nil, err
	}
	if !p.accept(",") {
		return nil, p.unexpected()
	}
	f := filling{of: of}
	if t := p.peek(); t.kind == name && (t.text == "REPEAT" || t.text == "LINEAR") {
		f.how = p.next().text
	} else if f.with, err = p.sum(depth); err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.unexpected()
	}
	return f, nil
}
