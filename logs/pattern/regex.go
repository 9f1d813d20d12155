package pattern

import (
	"regexp"
	"strings"
)

// regexSymbols are the characters beside letters and digits that a regular expression may have.
const regexSymbols = `:_#=@/;,-^$?[]{}|\*+. `

// compile reads what stands between percent signs.
func compile(text string) (*regexp.Regexp, error) {
	for _, c := range text {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune(regexSymbols, c) {
			return nil, invalid("Invalid character(s) in term '%%%s%%'", text)
		}
	}
	r, err := regexp.Compile(text)
	if err != nil || text == "" {
		return nil, errInvalid
	}
	return r, nil
}
