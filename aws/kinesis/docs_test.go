package kinesis_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/aws/kinesis"
)

// TestDocsKnowEveryOperation holds docs/kinesis.md to the truth: it has a row for each operation that is offered, says
// "not yet" of those alone that are not, and names only tests that exist.
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
	files, err := filepath.Glob("*_test.go")
	more, err2 := filepath.Glob(filepath.FromSlash("../../stream/*_test.go"))
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	tests := ""
	for _, file := range append(files, more...) {
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
