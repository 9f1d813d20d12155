package store

import "strings"

// Key joins the parts of a composite key with a zero byte between them, so that keys order by their first part, then
// by their second, and so on, as long as no part holds a zero byte. All keys below given first parts are those that
// begin with Key(parts..., "").
func Key(parts ...string) string { return strings.Join(parts, "\x00") }

// SplitKey returns the parts that Key joined.
func SplitKey(key string) []string { return strings.Split(key, "\x00") }

// PrefixEnd returns the least key greater than all keys that begin with prefix, for Scan; "" when there is none.
func PrefixEnd(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}
