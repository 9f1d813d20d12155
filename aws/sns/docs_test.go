package sns_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/aws/sns"
)

// TestDocs holds the table of operations in docs/companions.md to the door: each operation that is offered has a row, each row is of
// operations that are offered, and the stories and tests that it names as proof are there.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/companions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## SNS\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var told, offered []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z]\w+(?:, [A-Z]\w+)*) \|`).FindAllStringSubmatch(section, -1) {
		told = append(told, strings.Split(row[1], ", ")...)
	}
	for _, o := range sns.New(nil).Operations {
		offered = append(offered, o.Name)
	}
	slices.Sort(told)
	slices.Sort(offered)
	if !slices.Equal(told, offered) {
		t.Errorf("the page tells of %v, offered are %v", told, offered)
	}
	for _, name := range regexp.MustCompile("`([a-z_]+\\.txt)`").FindAllStringSubmatch(section, -1) {
		if _, err := os.Stat(filepath.Join("testdata", name[1])); err != nil {
			t.Error(err)
		}
	}
	tests := testNames(t, "../../topic", "../../server", "../../cmd/millrace")
	for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(section, -1) {
		if !tests[name[1]] {
			t.Errorf("there is no %s", name[1])
		}
	}
}

// testNames are the tests of some folders.
func testNames(t *testing.T, folders ...string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatal("no tests in", folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
				names[string(found[1])] = true
			}
		}
	}
	return names
}
