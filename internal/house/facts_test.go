package house

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewriteFacts = flag.Bool("rewrite-facts", false, "write the column of tests in docs/mapping-facts.md anew")

// fact is a row of docs/mapping-facts.md.
type fact struct {
	number, text, mark, shown string
}

// waits is what the last column begins with when there is nothing to show yet.
const waits = "waits for "

var factRow = regexp.MustCompile(`(?m)^\| ([0-9.]+) \| (.+) \| (\w+) \| (.*?) ?\|$`)

// TestFacts holds docs/mapping-facts.md to the tests: each fact is named by a test or waits for something, each number that a
// test names is a fact's, and the page says which tests those are. A story names its facts in its first line, a section of
// a golden file in its name, a Go test in the last line of its comment.
func TestFacts(t *testing.T) {
	path := filepath.Join(root(t), "docs", "mapping-facts.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	named := namedFacts(t)
	seen := map[string]bool{}
	written := factRow.ReplaceAllFunc(page, func(row []byte) []byte {
		cells := factRow.FindSubmatch(row)
		f := fact{string(cells[1]), string(cells[2]), string(cells[3]), string(cells[4])}
		if seen[f.number] {
			t.Errorf("%s is there twice", f.number)
		}
		seen[f.number] = true
		f.shown = f.expect(t, named[f.number])
		return fmt.Appendf(nil, "| %s | %s | %s | %s |", f.number, f.text, f.mark, f.shown)
	})
	for number, tests := range named {
		if !seen[number] {
			t.Errorf("%s is no fact, and named by %v", number, tests)
		}
	}
	switch {
	case bytes.Equal(written, page):
	case *rewriteFacts:
		if err := os.WriteFile(path, written, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("docs/mapping-facts.md names other tests than those that name its facts: go test ./internal/house -run Facts -rewrite-facts")
	}
}

// expect judges a fact by the tests that name it, and returns its last column.
func (f *fact) expect(t *testing.T, tests []string) string {
	t.Helper()
	if !slices.Contains([]string{"AWS", "open", "peer", "ours"}, f.mark) {
		t.Errorf("%s: %q is no mark", f.number, f.mark)
	}
	waiting := strings.HasPrefix(f.shown, waits)
	switch {
	case waiting && len(tests) > 0:
		t.Errorf("%s waits, and is named by %v", f.number, tests)
	case !waiting && len(tests) == 0:
		t.Errorf("%s is named by no test", f.number)
	}
	if waiting {
		return f.shown
	}
	slices.Sort(tests)
	return "`" + strings.Join(tests, "`, `") + "`"
}

var (
	storyFacts   = regexp.MustCompile(`^# \(([0-9., ]+)\) `)
	sectionFacts = regexp.MustCompile(`(?m)^-- (?:after \S+: )?\(([0-9., ]+)\) (.+) \[\w+\] --$`)
	testFacts    = regexp.MustCompile(`(?m)^// Facts: ([0-9., ]+)\.\nfunc (Test\w+)\(`)
)

// namedFacts returns the tests that name a fact, by its number.
func namedFacts(t *testing.T) map[string][]string {
	t.Helper()
	named := map[string][]string{}
	add := func(numbers []byte, test string) {
		for number := range strings.SplitSeq(string(numbers), ", ") {
			named[number] = append(named[number], test)
		}
	}
	for name, text := range files(t, "mapping/testdata") {
		if found := storyFacts.FindSubmatch(text); found != nil {
			add(found[1], name)
		}
	}
	for name, text := range files(t, "aws/lambda/testdata/mappings") {
		for _, found := range sectionFacts.FindAllSubmatch(text, -1) {
			add(found[1], name+": "+string(found[2]))
		}
	}
	sources(t, func(name string, text []byte) {
		for _, found := range testFacts.FindAllSubmatch(text, -1) {
			add(found[1], filepath.Dir(name)+"."+string(found[2]))
		}
	})
	return named
}

// files returns the texts of a folder by their names, without the extension.
func files(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root(t), filepath.FromSlash(folder), "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: nothing there (%v)", folder, err)
	}
	texts := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimSuffix(filepath.Base(path), ".txt")] = text
	}
	return texts
}
