package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkJSON returns an *InvalidPayloadError unless the payload is JSON in UTF-8.
func checkJSON(payload []byte) error {
	if problem := noValue(payload); problem != "" {
		return &InvalidPayloadError{Problem: problem}
	}
	if !utf8.Valid(payload) {
		at := invalidUTF8(payload)
		return &InvalidPayloadError{Problem: fmt.Sprintf("Invalid UTF-8 start byte 0x%x", payload[at]) + place(payload, at+1)}
	}
	if json.Valid(payload) {
		return nil
	}
	problem := "not JSON"
	var document json.RawMessage
	if err := json.Unmarshal(payload, &document); err != nil {
		problem = err.Error()
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			problem += place(payload, int(syntax.Offset)-1)
		}
	}
	return &InvalidPayloadError{Problem: problem}
}

// noValue says in AWS's words that a payload begins with what no value begins with; "" when it may be one. AWS reads the
// first byte as a character of Latin-1.
func noValue(payload []byte) string {
	at := 0
	for at < len(payload) && strings.IndexByte(" \t\r\n", payload[at]) >= 0 {
		at++
	}
	if at == len(payload) || isLetter(payload[at]) || strings.IndexByte(`"{[-0123456789`, payload[at]) >= 0 {
		return ""
	}
	c := rune(payload[at])
	shown := fmt.Sprintf("'%c' (code %d)", c, c)
	if unicode.IsControl(c) {
		shown = fmt.Sprintf("(CTRL-CHAR, code %d)", c)
	}
	return "Unexpected character (" + shown + "): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')" + place(payload, at)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// invalidUTF8 returns the place of the first byte that is no UTF-8.
func invalidUTF8(text []byte) int {
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		at += size
	}
	return min(at, len(text)-1)
}

// place says where in the text something is, as AWS does.
func place(text []byte, at int) string {
	line, column := 1, 1
	for i := range min(max(at, 0), len(text)) {
		column++
		if text[i] == '\n' {
			line, column = line+1, 1
		}
	}
	return fmt.Sprintf("\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]", line, column)
}
