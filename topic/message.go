package topic

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/filter"
)

// MaxMessageBytes is the length of the longest message, its attributes counted, and of all of a batch together.
const MaxMessageBytes = 262_144

// maxSubject is the length of the longest subject, in characters.
const maxSubject = 100

const filterBody = filter.ScopeBody

// Message is what a publisher hands in. A text alone is enough for a standard topic.
type Message struct {
	Text    string
	Subject string
	// ByProtocol holds other texts than Text for endpoints of single protocols.
	ByProtocol map[string]string
	Attributes map[string]Attribute
	// Group is the message group, which a FIFO topic needs and a standard one passes on. DeduplicationID says by what a FIFO
	// topic knows the message again; nil takes the text's hash where the topic says so.
	Group, DeduplicationID *string
	// Trace is the header X-Amzn-Trace-Id of the publisher, or empty. It is handed on to functions, and does not count.
	Trace string
}

// Attribute is a typed value beside a message's text.
type Attribute struct {
	Type   string // String, Number, Binary or String.Array, possibly with a label behind
	Text   string
	Binary []byte // when the type is Binary
}

// Size is what the message counts against MaxMessageBytes, in bytes.
func (m *Message) Size() int {
	n := len(m.Text)
	for _, text := range m.ByProtocol {
		n += len(text)
	}
	for name, a := range m.Attributes {
		n += len(name) + len(a.Type) + len(a.Text) + len(a.Binary)
	}
	return n
}

func (m *Message) textFor(protocol string) string {
	if own, ok := m.ByProtocol[protocol]; ok {
		return own
	}
	return m.Text
}

// Check judges a message. Errors: ErrEmptyMessage, ErrTooLong, ErrSubject.
func (m *Message) Check() error {
	if m.Text == "" {
		return ErrEmptyMessage
	}
	if m.Size() > MaxMessageBytes {
		return ErrTooLong
	}
	if !validSubject(m.Subject) {
		return ErrSubject
	}
	return nil
}

func validSubject(s string) bool {
	if utf8.RuneCountInString(s) > maxSubject || strings.HasPrefix(s, " ") {
		return false
	}
	for _, c := range s {
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	return true
}

// CheckOrder judges what says after what a message may be received, and by what it is known again. Errors: ErrNoGroup,
// ErrNoDeduplication, ErrDeduplicationForeign, ErrGroup, ErrDeduplication.
func (m *Message) CheckOrder(t Topic) error {
	switch {
	case !t.Name.FIFO() && m.DeduplicationID != nil:
		return ErrDeduplicationForeign
	case t.Name.FIFO() && (m.Group == nil || *m.Group == ""):
		return ErrNoGroup
	case t.Name.FIFO() && (m.DeduplicationID == nil || *m.DeduplicationID == "") && t.Attributes[ContentBasedDeduplication] != "true":
		return ErrNoDeduplication
	case m.Group != nil && !validID(*m.Group):
		return ErrGroup
	case m.DeduplicationID != nil && !validID(*m.DeduplicationID):
		return ErrDeduplication
	}
	return nil
}

// validID reports whether s may be the id of a group or of a deduplication: 1 to 128 letters, digits and punctuation marks
// of ASCII.
func validID(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// deduplication is by what a FIFO topic knows the message again.
func (m *Message) deduplication() string {
	if m.DeduplicationID != nil {
		return *m.DeduplicationID
	}
	sum := sha256.Sum256([]byte(m.Text))
	return hex.EncodeToString(sum[:])
}

// properties writes attributes as the JSON object that filters see: strings, numbers, and arrays of type String.Array.
// Bytes are not there for them.
func properties(attributes map[string]Attribute) []byte {
	b := []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		if strings.HasPrefix(a.Type, "Binary") {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(b, quote(name)...), ':')
		b = append(b, a.property()...)
	}
	return append(b, '}')
}

// property is a value as a filter sees it. What is no number or array in spite of its type is a string.
func (a *Attribute) property() string {
	text := strings.TrimSpace(a.Text)
	switch {
	case strings.HasPrefix(a.Type, "Number") && json.Valid([]byte(text)) && (text[0] == '-' || '0' <= text[0] && text[0] <= '9'):
		return text
	case strings.HasPrefix(a.Type, "String.Array") && json.Valid([]byte(text)) && text[0] == '[':
		return text
	}
	return quote(a.Text)
}

// quote writes a JSON string. Characters that only HTML must escape stay as they are.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written
	return strings.TrimSuffix(b.String(), "\n")
}
