package s3

import (
	"net/http"
	"strconv"
	"strings"
)

// span is a part of an object.
type span struct{ offset, length int64 }

// readRange finds the part of an object that a request asks for. A range that is not well-formed, or more than one, asks
// for the whole, as on AWS.
func readRange(value string, size int64) (s span, partial bool, err error) {
	whole := span{0, size}
	list, ok := strings.CutPrefix(strings.TrimSpace(value), "bytes=")
	if !ok || strings.Contains(list, ",") {
		return whole, false, nil
	}
	from, to, ok := strings.Cut(strings.TrimSpace(list), "-")
	if !ok {
		return whole, false, nil
	}
	unsatisfiable := &failure{code: "InvalidRange", status: http.StatusRequestedRangeNotSatisfiable, fields: []field{
		{"RangeRequested", value}, {"ActualObjectSize", strconv.FormatInt(size, 10)},
	}}
	if from == "" { // the last bytes
		n, err := strconv.ParseInt(to, 10, 64)
		switch {
		case err != nil || n < 0:
			return whole, false, nil
		case n == 0 || size == 0:
			return whole, false, unsatisfiable
		}
		n = min(n, size)
		return span{size - n, n}, true, nil
	}
	first, err := strconv.ParseInt(from, 10, 64)
	if err != nil || first < 0 {
		return whole, false, nil
	}
	last := size - 1
	if to != "" {
		given, err := strconv.ParseInt(to, 10, 64)
		if err != nil || given < first {
			return whole, false, nil
		}
		last = min(last, given)
	}
	if first >= size {
		return whole, false, unsatisfiable
	}
	return span{first, last - first + 1}, true, nil
}
