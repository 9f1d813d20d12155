// Package escape reads the escapes in JSON's strings, for those who read JSON where encoding/json would be too slow.
package escape
