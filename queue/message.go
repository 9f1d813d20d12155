package queue

import (
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a message's attributes.
const (
	maxAttributes      = 10
	maxAttributeLength = 256
)

// Message is what a sender hands in. A body alone is enough.
type Message struct {
	// Body is the text: at least one byte, only characters that XML 1.0 can carry.
	Body string
	// Attributes are the sender's own, at most ten.
	Attributes map[string]Attribute
	// TraceHeader is X-Ray's system attribute AWSTraceHeader; "" when there is none. It does not count to the size.
	TraceHeader string
	// Delay hides the message for that long, 0 to MaxDelay in whole seconds; nil takes the queue's.
	Delay *time.Duration
	// Sender is what receivers see as SenderId.
	Sender string
	// Group is the message group, which a FIFO queue needs and a standard one passes on. DeduplicationID says by what a
	// FIFO queue knows the message again; nil takes the body's hash where the queue says so.
	Group, DeduplicationID *string
}

// Attribute is a typed value beside a message's body.
type Attribute struct {
	// Type is "String", "Number" or "Binary", possibly followed by a label of the sender's, as in "Number.byte".
	Type string
	// Text is the value, unless the type is Binary.
	Text string
	// Binary is the value when the type is Binary. The room does not change it, and neither should a receiver.
	Binary []byte
}

// IsBinary reports whether the value is bytes rather than text.
func (a Attribute) IsBinary() bool { return strings.HasPrefix(a.Type, "Binary") }

// size is what the message counts against the limits, in bytes.
func (m *Message) size() int {
	n := len(m.Body)
	for name, a := range m.Attributes {
		n += len(name) + len(a.Type) + len(a.Text) + len(a.Binary)
	}
	return n
}

// check judges one message against the queue's settings.
func (m *Message) check(s Settings) error {
	if m.Body == "" {
		return ErrEmptyBody
	}
	if size := m.size(); size > s.MaxBytes {
		return &TooLongError{Limit: s.MaxBytes, Bytes: size}
	}
	if !validText(m.Body) {
		return ErrInvalidCharacters
	}
	if err := m.checkOrder(s); err != nil {
		return err
	}
	if len(m.Attributes) > maxAttributes {
		return &MessageAttributeError{Problem: TooManyAttributes, Count: len(m.Attributes)}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		a := m.Attributes[name]
		problem := checkAttributeName(name)
		if problem == 0 {
			problem = a.check()
		}
		if problem != 0 {
			return &MessageAttributeError{Name: name, Type: a.Type, Problem: problem}
		}
	}
	return nil
}

// The parameters that ParameterError is about.
const (
	ParameterDelay         = "DelaySeconds"
	ParameterGroup         = "MessageGroupId"
	ParameterDeduplication = "MessageDeduplicationId"
	ParameterAttempt       = "ReceiveRequestAttemptId"
)

// checkOrder judges what says when and after what the message may be received. A FIFO queue's delay is the queue's own.
func (m *Message) checkOrder(s Settings) error {
	switch {
	case s.FIFO && m.Delay != nil && *m.Delay != 0:
		return &ParameterError{Name: ParameterDelay, Value: strconv.Itoa(int(*m.Delay / time.Second)), Foreign: true}
	case m.Delay != nil && (*m.Delay < 0 || *m.Delay > MaxDelay):
		return ErrDelayRange
	case m.Group != nil && !validID(*m.Group):
		return &ParameterError{Name: ParameterGroup, Value: *m.Group}
	case m.DeduplicationID != nil && !validID(*m.DeduplicationID):
		return &ParameterError{Name: ParameterDeduplication, Value: *m.DeduplicationID}
	case !s.FIFO && m.DeduplicationID != nil:
		return &ParameterError{Name: ParameterDeduplication, Value: *m.DeduplicationID, Foreign: true}
	case s.FIFO && m.Group == nil:
		return ErrNoGroup
	case s.FIFO && m.DeduplicationID == nil && !s.ContentDeduplication:
		return ErrNoDeduplication
	}
	return nil
}

// validID reports whether s may be the id of a group, of a deduplication or of an attempt: 1 to 128 letters, digits and
// punctuation marks of ASCII.
func validID(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// checkAttributeName returns what is wrong with an attribute's name, or 0. Letters of any script are letters: AWS takes
// "attr.1øßä", whatever its documentation says.
func checkAttributeName(name string) MessageAttributeProblem {
	lower := strings.ToLower(name)
	switch {
	case name == "":
		return AttributeNameEmpty
	case len(name) > maxAttributeLength:
		return AttributeNameLength
	case strings.HasPrefix(lower, "aws."), strings.HasPrefix(lower, "amazon."):
		return AttributeNameReserved
	case name[0] == '.':
		return AttributeNameDotFirst
	case name[len(name)-1] == '.':
		return AttributeNameDotLast
	case strings.Contains(name, ".."):
		return AttributeNameDots
	}
	for _, r := range name {
		if r == utf8.RuneError || !(unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' || r == '.') {
			return AttributeNameCharacters
		}
	}
	return 0
}

// check returns what is wrong with an attribute's type or value, or 0.
func (a Attribute) check() MessageAttributeProblem {
	number := strings.HasPrefix(a.Type, "Number")
	switch {
	case a.Type == "":
		return AttributeTypeEmpty
	case !number && !a.IsBinary() && !strings.HasPrefix(a.Type, "String"):
		return AttributeTypeInvalid
	case len(a.Type) > maxAttributeLength:
		return AttributeTypeLength
	case a.IsBinary() && len(a.Binary) == 0, !a.IsBinary() && a.Text == "":
		return AttributeValueEmpty
	case !validText(a.Text) || !validText(a.Type):
		return AttributeValueCharacters
	case number && !validNumber(a.Text):
		return AttributeNotNumber
	}
	return 0
}

// validText reports whether s is UTF-8 made of the characters of XML 1.0.
func validText(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
			return false
		}
		i += n
	}
	return true
}

// validNumber reports whether s is a decimal number of up to 38 digits between 10^-128 and 10^126. The length is judged
// first, so that a long text costs nothing.
func validNumber(s string) bool {
	if len(s) > 200 || strings.ContainsAny(s, "xXpP_nNiI") {
		return false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	digits := strings.Trim(strings.TrimLeft(mantissa, "+-0."), "0")
	if len(strings.ReplaceAll(digits, ".", "")) > 38 || len(exponent) > 5 {
		return false
	}
	v, _, err := big.ParseFloat(s, 10, 256, big.ToNearestEven)
	if err != nil {
		return false
	}
	if v.Sign() == 0 {
		return true
	}
	low, high := new(big.Float), new(big.Float)
	low.SetString("1e-128")
	high.SetString("1e126")
	v.Abs(v)
	return v.Cmp(low) >= 0 && v.Cmp(high) <= 0
}
