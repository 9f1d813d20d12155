package s3

import (
	"net/http"
	"strings"
	"time"

	"github.com/millrace/millrace/bucket"
)

// readCondition judges the conditions on which an object is to be read.
func (q *request) readCondition(o *bucket.Object) error {
	h := q.Header
	failed := func(name string) error {
		return &failure{code: "PreconditionFailed", fields: []field{{"Condition", name}}}
	}
	modified := o.Modified.Truncate(time.Second)
	if match := h.Get("If-Match"); match != "" {
		if !matches(match, o.ETag) {
			return failed("If-Match")
		}
	} else if since, ok := headerTime(h, "If-Unmodified-Since"); ok && modified.After(since) {
		return failed("If-Unmodified-Since")
	}
	unchanged := false
	if none := h.Get("If-None-Match"); none != "" {
		unchanged = matches(none, o.ETag)
	} else if since, ok := headerTime(h, "If-Modified-Since"); ok {
		unchanged = !modified.After(since)
	}
	if !unchanged {
		return nil
	}
	q.w.Header()["ETag"] = []string{quoted(o.ETag)}
	q.w.Header().Set("Last-Modified", httpTime(o.Modified))
	return &failure{code: "NotModified"}
}

// matches reports whether a list of tags has the object's.
func matches(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = unquoted(strings.TrimPrefix(strings.TrimSpace(one), "W/")); one == tag || one == "*" {
			return true
		}
	}
	return false
}

func headerTime(h http.Header, name string) (time.Time, bool) {
	t, err := http.ParseTime(h.Get(name))
	return t, err == nil
}
