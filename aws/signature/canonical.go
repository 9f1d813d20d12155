package signature

import (
	"bytes"
	"cmp"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxHeaders bounds how many headers may be signed.
const maxHeaders = 100

// appendCanonical appends the canonical request: what was signed, in the only form that it can be written in.
func appendCanonical(b []byte, r *http.Request, s *Signature, payload string) ([]byte, *Fault) {
	b = append(append(b, r.Method...), '\n')
	b = append(appendPath(b, r.URL, s.Service == "s3"), '\n')
	b, ok := appendQuery(b, r.URL.RawQuery, s.Presigned)
	if !ok {
		return b, &Fault{Kind: Mismatch}
	}
	b = append(b, '\n')
	if b, ok = appendHeaders(b, r, s.SignedHeaders); !ok {
		return b, &Fault{Kind: Incomplete, Message: "'Host' must be a 'SignedHeader' in the AWS Authorization."}
	}
	b = append(append(b, '\n'), s.SignedHeaders...)
	return append(append(b, '\n'), payload...), nil
}

// appendPath appends the path: S3's with its segments encoded once, all others' as they stand, without dots and
// double slashes, and encoded once more.
func appendPath(b []byte, u *url.URL, s3 bool) []byte {
	if s3 {
		if u.Path == "" {
			return append(b, '/')
		}
		return appendEscaped(b, u.Path, true)
	}
	path := u.EscapedPath()
	if path == "" || path == "/" {
		return append(b, '/')
	}
	return appendEscaped(b, cleanPath(path), true)
}

// cleanPath resolves dots and drops empty segments, as RFC 3986 has it; a slash at the end stays.
func cleanPath(path string) string {
	if !strings.Contains(path, "/.") && !strings.Contains(path, "//") {
		return path
	}
	var kept []string
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, part)
		}
	}
	clean := "/" + strings.Join(kept, "/")
	if last := path[strings.LastIndexByte(path, '/')+1:]; (last == "" || last == "." || last == "..") && clean != "/" {
		clean += "/"
	}
	return clean
}

// appendEscaped escapes everything but the unreserved characters of RFC 3986, and slashes when they are to stay.
func appendEscaped(b []byte, text string, slashes bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~', c == '/' && slashes:
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// appendQuery appends the parameters in the order of their escaped names and values. A query that does not read the same
// to everyone is not believed.
func appendQuery(b []byte, raw string, presigned bool) ([]byte, bool) {
	if raw == "" {
		return b, true
	}
	type pair struct{ name, value []byte }
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		plainName, err1 := url.QueryUnescape(name)
		plainValue, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil || strings.Contains(part, ";") {
			return b, false
		}
		if presigned && plainName == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, pair{appendEscaped(nil, plainName, false), appendEscaped(nil, plainValue, false)})
	}
	slices.SortFunc(pairs, func(x, y pair) int {
		return cmp.Or(bytes.Compare(x.name, y.name), bytes.Compare(x.value, y.value))
	})
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, p.name...), '='), p.value...)
	}
	return b, true
}

// appendHeaders appends the signed headers with their values; ok is false when the host is not among them.
func appendHeaders(b []byte, r *http.Request, names string) (_ []byte, ok bool) {
	count := 0
	for name := range strings.SplitSeq(names, ";") {
		if count++; count > maxHeaders {
			return b, false
		}
		b = append(append(b, name...), ':')
		if name == "host" {
			b, ok = append(append(b, r.Host...), '\n'), true
			continue
		}
		values := r.Header[textproto.CanonicalMIMEHeaderKey(name)]
		if len(values) == 0 && name == "content-length" && r.ContentLength >= 0 {
			b = strconv.AppendInt(b, r.ContentLength, 10)
		}
		for i, value := range values {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFolded(b, value)
		}
		b = append(b, '\n')
	}
	return b, ok
}

// appendFolded appends a header's value without spaces around it, and with single ones in it.
func appendFolded(b []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	for i := range len(value) {
		if value[i] == ' ' && i > 0 && value[i-1] == ' ' {
			continue
		}
		b = append(b, value[i])
	}
	return b
}

// unsigned are the headers that say what is to be done and are not signed.
func unsigned(r *http.Request, names string) (found []string) {
	for name := range r.Header {
		if len(name) > 6 && name[:6] == "X-Amz-" && !listed(names, name) {
			found = append(found, strings.ToLower(name))
		}
	}
	slices.Sort(found)
	return found
}

// listed reports whether a list in small letters between semicolons has the name.
func listed(names, name string) bool {
	for one := range strings.SplitSeq(names, ";") {
		if strings.EqualFold(one, name) {
			return true
		}
	}
	return false
}
