package query

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/aws/protocol/jsonwire"
)

// maxParts bounds the parts of a parameter's name between dots.
const maxParts = 16

// Document writes the parameters of a form over as the JSON document that the shape, a structure, would have.
func Document(form url.Values, shape *Shape) []byte {
	root := &node{}
	for name, values := range form {
		if len(values) > 0 {
			root.put(name, values[0])
		}
	}
	return shape.structure(nil, root)
}

// node is a part of the parameters' names: Attribute.1.Name is three deep.
type node struct {
	value    string
	given    bool
	children map[string]*node
}

func (n *node) put(name, value string) {
	if strings.Count(name, ".") >= maxParts {
		return
	}
	for part := range strings.SplitSeq(name, ".") {
		if n.children == nil {
			n.children = map[string]*node{}
		}
		next := n.children[part]
		if next == nil {
			next = &node{}
			n.children[part] = next
		}
		n = next
	}
	n.value, n.given = value, true
}

// numbered returns the children whose names are numbers, in the order of the numbers.
func (n *node) numbered() []*node {
	type entry struct {
		number int
		node   *node
	}
	var entries []entry
	for name, child := range n.children {
		if number, err := strconv.Atoi(name); err == nil && number >= 0 {
			entries = append(entries, entry{number, child})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.number - b.number })
	nodes := make([]*node, len(entries))
	for i, e := range entries {
		nodes[i] = e.node
	}
	return nodes
}

func (s *Shape) structure(b []byte, n *node) []byte {
	b = append(b, '{')
	for _, m := range s.Members {
		child := n.children[m.Name]
		if child == nil {
			continue
		}
		b = jsonwire.AppendName(b, m.JSON)
		b = m.Shape.append(b, child, m.Flat)
	}
	return append(b, '}')
}

// append writes a value. A node that has not the form of the shape is written as what it is, or as null, so that
// the reader words the offence or takes the member as absent.
func (s *Shape) append(b []byte, n *node, flat bool) []byte {
	switch s.Kind {
	case Structure:
		return s.structure(b, n)
	case List:
		return s.list(b, n.entries(s, flat, "member"))
	case Map:
		return s.dictionary(b, n.entries(s, flat, "entry"))
	}
	if !n.given {
		return append(b, "null"...)
	}
	return appendScalar(b, s.Kind, n.value)
}

// entries are the nodes of a list's elements or a map's entries.
func (n *node) entries(s *Shape, flat bool, between string) []*node {
	if s.Flat || flat {
		return n.numbered()
	}
	if inner := n.children[between]; inner != nil {
		return inner.numbered()
	}
	return nil
}

func (s *Shape) list(b []byte, elements []*node) []byte {
	b = append(b, '[')
	for i, e := range elements {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.Element.append(b, e, false)
	}
	return append(b, ']')
}

func (s *Shape) dictionary(b []byte, entries []*node) []byte {
	b = append(b, '{')
	for _, e := range entries {
		key, value := e.children[s.Key], e.children[s.Value]
		if key == nil || !key.given || value == nil {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = jsonwire.AppendString(b, key.value)
		b = append(b, ':')
		b = s.Element.append(b, value, false)
	}
	return append(b, '}')
}

func appendScalar(b []byte, kind Kind, value string) []byte {
	switch kind {
	case Number:
		if jsonwire.IsNumber(value) {
			return append(b, value...)
		}
	case Time:
		if t, err := time.Parse(time.RFC3339, value); err == nil {
			return jsonwire.AppendTimestamp(b, t)
		}
		if jsonwire.IsNumber(value) {
			return append(b, value...)
		}
	}
	return jsonwire.AppendString(b, value)
}
