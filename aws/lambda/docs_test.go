package lambda_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/aws/lambda"
)

// TestDocsKnowEveryOperation holds docs/functions.md to the truth: it has a row for each operation that is offered, says
// "refused" of those alone that are not, and names only tests that exist.
func TestDocsKnowEveryOperation(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../../docs/functions.md"))
	if err != nil {
		t.Fatal(err)
	}
	service := lambda.NewService(&lambda.Door{})
	offered, known := map[string]bool{}, map[string]bool{}
	for _, o := range service.Operations {
		offered[o.Name], known[o.Name] = true, true
	}
	for _, o := range service.Unoffered {
		known[o.Name] = true
	}
	told := map[string]bool{}
	var tests []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z]\w+) \| (\w*) \|([^|]*)\|([^|]*)\|$`).FindAllStringSubmatch(string(text), -1) {
		name, status := row[1], row[2]
		if name == "Operation" {
			continue
		}
		switch {
		case !known[name]:
			t.Errorf("there is no operation %s", name)
		case status != "done" && status != "differs" && status != "refused":
			t.Errorf("%s is %q", name, status)
		case (status == "refused") == offered[name]:
			t.Errorf("%s is %s, and offered: %t", name, status, offered[name])
		}
		told[name] = true
		shown := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[4], -1)
		if len(shown) == 0 {
			t.Errorf("%s is shown by no test", name)
		}
		for _, test := range shown {
			tests = append(tests, test[1])
		}
	}
	for name := range offered {
		if !told[name] {
			t.Errorf("%s is offered, and not in the tables", name)
		}
	}
	for _, test := range tests {
		if !testExists(t, test) {
			t.Errorf("there is no %s", test)
		}
	}
}

// testExists looks for a test, or for the file of a story.
func testExists(t *testing.T, name string) bool {
	t.Helper()
	if strings.HasSuffix(name, ".txt") {
		found, err := filepath.Glob(filepath.Join("testdata", "*", name))
		return err == nil && len(found) > 0
	}
	for _, folder := range []string{".", "../../function", "../../mapping", "../../cmd/millrace"} {
		files, err := filepath.Glob(filepath.FromSlash(folder + "/*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "func "+name+"(") {
				return true
			}
		}
	}
	return false
}
