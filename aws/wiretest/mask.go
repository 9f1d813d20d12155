package wiretest

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// UUID finds UUIDs of any kind.
var UUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// Mask gives names to what no two runs have in common, in the order of its first appearance in answers.
type Mask struct {
	form    string
	pattern *regexp.Regexp
	names   *regexp.Regexp
	found   []string
}

// NewMask names what the last group of the pattern finds, or all that the pattern finds if it has no group. The form is that
// of the names, such as TOKEN-%d.
func NewMask(form string, pattern *regexp.Regexp) *Mask {
	names := strings.ReplaceAll(strings.TrimSuffix(form, "."), "%d", `(\d+)`)
	return &Mask{form: form, pattern: pattern, names: regexp.MustCompile(names + `\.?`)}
}

// hide puts names into an answer.
func (m *Mask) hide(answer string) string {
	var b strings.Builder
	done := 0
	for _, at := range m.pattern.FindAllStringSubmatchIndex(answer, -1) {
		from, to := at[len(at)-2], at[len(at)-1]
		i := slices.Index(m.found, answer[from:to])
		if i < 0 {
			i = len(m.found)
			m.found = append(m.found, answer[from:to])
		}
		b.WriteString(answer[done:from])
		fmt.Fprintf(&b, m.form, i+1)
		done = to
	}
	return b.String() + answer[done:]
}

// show puts what was found into a request.
func (m *Mask) show(request string) string {
	return m.names.ReplaceAllStringFunc(request, func(name string) string {
		i, err := strconv.Atoi(m.names.FindStringSubmatch(name)[1])
		switch {
		case err != nil || i < 1 || i > len(m.found):
			return name
		case strings.HasSuffix(name, "."):
			return url.QueryEscape(m.found[i-1])
		}
		return m.found[i-1]
	})
}

// Masks are those of a story, in the order in which they look at an answer.
type Masks []*Mask

// Hide puts names into an answer.
func (all Masks) Hide(answer string) string {
	for _, m := range all {
		answer = m.hide(answer)
	}
	return answer
}

// Show puts what was found into a request. A dot behind a name belongs to it, and has what was found escaped as in a form.
func (all Masks) Show(request string) string {
	for _, m := range all {
		request = m.show(request)
	}
	return request
}
