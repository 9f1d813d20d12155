package constraint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxFindings is how many findings AWS lists in one answer.
const maxFindings = 10

// Checks collects what is wrong with one request. The zero value is ready to use.
type Checks struct {
	// Discreet leaves values and the members of enums out of the findings, as IAM does.
	Discreet bool

	path     []step
	findings []Finding
}

// Finding is one broken constraint.
type Finding struct {
	// Path is where in the request: streamName, records.1.member.partitionKey.
	Path string
	// Null says that a required member is absent.
	Null bool
	// Text is AWS's sentence about it.
	Text string
}

type step struct {
	name  string
	index int    // of a list's member, from 1; 0 when not one
	key   string // of a map's value
	keyed bool
}

// Enter goes into a structure member.
func (c *Checks) Enter(name string) { c.path = append(c.path, step{name: name}) }

// EnterElement goes into a structure that is an element of a list; index counts from 0.
func (c *Checks) EnterElement(name string, index int) {
	c.path = append(c.path, step{name: name, index: index + 1})
}

// EnterValue goes into a structure that is a value of a map.
func (c *Checks) EnterValue(name, key string) {
	c.path = append(c.path, step{name: name, key: key, keyed: true})
}

// Leave goes back out of what was entered last.
func (c *Checks) Leave() { c.path = c.path[:len(c.path)-1] }

// Full reports whether no more findings will be kept, so that walking on is of no use.
func (c *Checks) Full() bool { return len(c.findings) == maxFindings }

// Findings returns what was found, at most ten, in the order met.
func (c *Checks) Findings() []Finding { return c.findings }

// Message words all findings as one sentence; it is empty when there are none.
func (c *Checks) Message() string {
	if len(c.findings) == 0 {
		return ""
	}
	var b strings.Builder
	if len(c.findings) == 1 {
		b.WriteString("1 validation error detected: ")
	} else {
		fmt.Fprintf(&b, "%d validation errors detected: ", len(c.findings))
	}
	for i, f := range c.findings {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Text)
	}
	return b.String()
}

// Null finds a required member absent.
func (c *Checks) Null(name string) { c.add(name, "null", true, "Member must not be null") }

// fail records that the member's value broke a constraint. The value is rendered only if it is to be shown.
func (c *Checks) fail(name string, sensitive bool, render func() string, text string) {
	if c.Full() {
		return
	}
	value := ""
	if !sensitive && !c.Discreet {
		value = "'" + render() + "'"
	}
	c.add(name, value, false, text)
}

func (c *Checks) add(name, value string, null bool, text string) {
	if c.Full() {
		return
	}
	path := c.at(name)
	if value != "" {
		value += " "
	}
	c.findings = append(c.findings, Finding{
		Path: path,
		Null: null,
		Text: "Value " + value + "at '" + path + "' failed to satisfy constraint: " + text,
	})
}

func (c *Checks) at(name string) string {
	var b strings.Builder
	for _, s := range c.path {
		b.WriteString(s.name)
		switch {
		case s.index > 0:
			b.WriteByte('.')
			b.WriteString(strconv.Itoa(s.index))
			b.WriteString(".member")
		case s.keyed:
			b.WriteByte('.')
			b.WriteString(s.key)
			b.WriteString(".member")
		}
		b.WriteByte('.')
	}
	b.WriteString(name)
	return b.String()
}

// Keys returns the keys of a map in order, so that findings come in the same order every time.
func Keys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
