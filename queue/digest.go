package queue

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
)

// Kinds of value in an attribute's digest, as AWS documents them.
const (
	digestText   = 1
	digestBinary = 2
)

// Digest returns the MD5 of a body, in hex.
func Digest(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// AttributesDigest returns the MD5 over message attributes as AWS defines it, in hex, or "" when there are none. Clients
// recompute it over the attributes they see and refuse the message when it differs, so it has to be made over exactly
// those that are returned.
func AttributesDigest(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	sum := md5.New()
	write := func(b []byte) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(b)))
		sum.Write(length[:])
		sum.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		write([]byte(name))
		write([]byte(a.Type))
		if a.IsBinary() {
			sum.Write([]byte{digestBinary})
			write(a.Binary)
		} else {
			sum.Write([]byte{digestText})
			write([]byte(a.Text))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// TraceDigest returns the MD5 over the system attribute AWSTraceHeader, or "" when there is none.
func TraceDigest(header string) string {
	if header == "" {
		return ""
	}
	return AttributesDigest(map[string]Attribute{"AWSTraceHeader": {Type: "String", Text: header}})
}
