package protocol

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Binding gives generated code the parts of a REST request that are not in its body.
type Binding struct {
	labels  []label
	query   url.Values
	header  http.Header
	offence string
}

type label struct{ name, value string }

// Label returns a part of the path, decoded once.
func (b *Binding) Label(name string) (string, bool) {
	for _, l := range b.labels {
		if l.name == name {
			return l.value, true
		}
	}
	return "", false
}

// Query returns the first value of a parameter of the query string.
func (b *Binding) Query(name string) (string, bool) {
	if values := b.query[name]; len(values) > 0 {
		return values[0], true
	}
	return "", false
}

// QueryList returns all values of a parameter, or nil when there is none.
func (b *Binding) QueryList(name string) []string { return b.query[name] }

// Header returns a header; an empty one counts as absent.
func (b *Binding) Header(name string) (string, bool) {
	v := b.header.Get(name)
	return v, v != ""
}

// Offend records a type error, unless one was recorded before.
func (b *Binding) Offend(message string) {
	if b.offence == "" {
		b.offence = message
	}
}

// Int reads an integer of 32 bits; it is nil and an offence when s is none.
func (b *Binding) Int(s string) *int {
	v, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		b.Offend("'" + s + "' can not be converted to an Integer")
		return nil
	}
	n := int(v)
	return &n
}

// Long reads an integer of 64 bits; it is nil and an offence when s is none.
func (b *Binding) Long(s string) *int64 {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		b.Offend("'" + s + "' can not be converted to an Long")
		return nil
	}
	return &v
}

// Bool reads a boolean; it is nil and an offence when s is none.
func (b *Binding) Bool(s string) *bool {
	v, err := strconv.ParseBool(s)
	if err != nil {
		b.Offend("'" + s + "' can not be converted to an Boolean")
		return nil
	}
	return &v
}

// Timestamp reads a time in ISO 8601 or as seconds since the epoch; it is nil and an offence when s is neither.
func (b *Binding) Timestamp(s string) *time.Time {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return &t
	}
	if seconds, err := strconv.ParseFloat(s, 64); err == nil && seconds > -8.64e12 && seconds < 8.64e12 {
		t := time.UnixMilli(int64(seconds * 1000)).UTC()
		return &t
	}
	b.Offend("'" + s + "' can not be converted to milliseconds since epoch")
	return nil
}
