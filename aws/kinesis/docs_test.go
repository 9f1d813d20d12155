package kinesis_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/aws/kinesis"
)

// TestDocsKnowEveryOperation holds docs/kinesis.md to the truth: it has a row for each operation that is offered, says
// "not yet" of those alone that are not, and names only tests that exist, here and for the mistakes of others.
func TestDocsKnowEveryOperation(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../../docs/kinesis.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| ([A-Z]\w+) \| (done|differs|not yet) \|([^|]*)\|([^|]*)\|$`)
	status := map[string]string{}
	named := map[string]bool{}
	for _, found := range row.FindAllStringSubmatch(string(text), -1) {
		status[found[1]] = found[2]
		tests := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(found[4], -1)
		if (len(tests) > 0) != (found[2] != "not yet") {
			t.Errorf("%s is %s and has %d tests", found[1], found[2], len(tests))
		}
		for _, test := range tests {
			named[test[1]] = true
		}
	}
	mistakes := regexp.MustCompile("(?m)^\\| ([^|]+) \\| (`[^|]+`) \\|$").FindAllStringSubmatch(string(text), -1)
	if len(mistakes) < 20 {
		t.Errorf("%d mistakes of others", len(mistakes))
	}
	for _, found := range mistakes {
		for _, test := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(found[2], -1) {
			named[test[1]] = true
		}
	}
	offered := map[string]bool{}
	for _, o := range kinesis.New(nil).Operations {
		offered[o.Name] = true
		if s := status[o.Name]; s == "" || s == "not yet" {
			t.Errorf("%s is offered, and the table says %q", o.Name, s)
		}
	}
	for name, s := range status {
		if s != "not yet" && !offered[name] {
			t.Errorf("%s is %s, and not offered", name, s)
		}
	}
	tests := ""
	for _, file := range testFiles(t, ".", "../../stream", "../protocol", "../protocol/*", "../../server", "../../cmd/millrace") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests += string(text)
	}
	for name := range named {
		if strings.HasSuffix(name, ".txt") {
			if _, err := os.Stat(filepath.Join("testdata", name)); err != nil {
				t.Error(err)
			}
		} else if !strings.Contains(tests, "func "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
}

func testFiles(t *testing.T, folders ...string) (files []string) {
	t.Helper()
	for _, folder := range folders {
		found, err := filepath.Glob(filepath.FromSlash(folder + "/*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}
