package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/millrace/millrace"

// may says, for each package or tree of packages ("x/..."), which packages of the module its code may import: the map of
// ARCHITECTURE.md as data. The longest pattern that fits a package speaks for it.
var may = map[string][]string{
	"internal/arn":   {},
	"internal/house": {},
	"internal/...":   {"internal/arn"},

	"store":               {},
	"store/disk":          {"store"},
	"store/disk/faultfs":  {},
	"store/disk/disktest": {"store/disk"}, // for tests alone
	"store/storetest":     {"store"},

	"stream":            {"store", "internal/arn"},
	"stream/aggregate":  {"stream"},
	"queue":             {"store", "identity/policy", "internal/arn"},
	"topic":             {"store", "filter", "identity/policy", "internal/arn"},
	"bucket":            {"store"},
	"identity":          {"store", "identity/policy", "internal/arn"},
	"identity/policy":   {},
	"metric":            {"store"},
	"metric/expression": {},
	"alarm":             {"store", "internal/arn"},
	"logs":              {"store"},
	"logs/pattern":      {},
	"function":          {"store", "function/archive", "internal/arn"},
	"function/archive":  {},
	"function/process":  {"function", "function/process/sandbox", "aws/runtime"},
	"function/remote":   {"function"},

	"function/process/sandbox": {},

	"mapping":         {"store", "stream", "stream/aggregate", "function", "filter", "mapping/history", "internal/arn", "internal/base64"},
	"filter":          {"internal/escape"},
	"mapping/history": {"store", "stream"},

	"aws/signature":           {},
	"aws/protocol":            {"aws/signature", "aws/protocol/constraint", "aws/protocol/cborwire", "aws/protocol/jsonwire", "aws/protocol/query", "aws/protocol/wire", "internal/base64"},
	"aws/protocol/cborwire":   {"aws/protocol/wire"},
	"aws/protocol/constraint": {"aws/protocol/wire"},
	"aws/protocol/jsonwire":   {"aws/protocol/wire", "internal/base64", "internal/escape"},
	"aws/protocol/query":      {"aws/protocol/jsonwire"},
	"aws/protocol/wire":       {"internal/base64"},
	"aws/generate":            {"aws/protocol/constraint"},
	"aws/runtime":             {},
	"aws/wiretest":            {}, // for tests alone, therefore on nobody's list
	"aws/kinesis":             {"aws/protocol", "aws/protocol/constraint", "aws/protocol/wire", "stream", "internal/arn"},
	"aws/lambda": {
		"aws/protocol", "aws/protocol/constraint", "aws/protocol/wire", "function", "function/archive", "mapping", "stream", "internal/arn",
	},
	"aws/sqs": {"aws/protocol", "aws/protocol/constraint", "aws/protocol/wire", "aws/protocol/query", "queue", "internal/arn"},
	"aws/sns": {"aws/protocol", "aws/protocol/constraint", "aws/protocol/wire", "aws/protocol/query", "topic", "internal/arn"},
	"aws/iam": {"aws/protocol", "aws/protocol/constraint", "aws/protocol/wire", "aws/protocol/query", "identity", "identity/policy"},
	"aws/sts": {"aws/protocol", "aws/protocol/constraint", "aws/protocol/wire", "aws/protocol/query", "identity"},
	"aws/s3":  {"aws/protocol", "aws/signature", "bucket"},
	"aws/cloudwatch": {
		"aws/protocol", "aws/protocol/constraint", "aws/protocol/wire", "aws/protocol/query", "metric", "metric/expression", "alarm", "internal/arn",
	},

	"aws/logs": {"aws/protocol", "aws/protocol/constraint", "aws/protocol/wire", "logs", "logs/pattern", "internal/arn"},

	"server": {
		"store", "store/disk", "stream", "function", "function/process", "function/remote", "mapping", "mapping/history", "queue", "topic", "bucket", "metric", "logs", "alarm",
		"aws/protocol", "aws/kinesis", "aws/lambda", "aws/sqs", "aws/sns", "aws/s3", "aws/cloudwatch", "aws/logs", "internal/arn", "internal/authority",
		"identity", "identity/policy", "aws/signature", "aws/iam", "aws/sts", "internal/scratch", "internal/testclock",
	},

	"clients/...": {}, // handlers that know nothing of us

	"sim": {}, "sim/replay": {}, // its tests are the whole house; replay builds them

	// The demo, the benchmark and dev embed a server and else are its clients; the benchmark also drives the engine bare.
	"internal/demo":  {"server", "internal/bootstrap", "internal/sdkhttp"},
	"internal/bench": {"server", "store", "store/disk", "internal/bootstrap", "internal/scratch"},
	"internal/dev":   {"server", "internal/scratch", "internal/sdkhttp"},
	"cmd/millrace":   {"server", "filter", "stream/aggregate", "internal/authority", "internal/bootstrap", "internal/demo", "internal/bench", "internal/dev", "internal/sdkhttp"},
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

type pkg struct {
	ImportPath string
	Name       string
	Doc        string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	command := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Dir,GoFiles,Imports", "./...")
	command.Dir = root(t)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func inside(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

// rule returns what the package may import.
func rule(name string) (allowed []string, ok bool) {
	if allowed, ok = may[name]; ok {
		return allowed, true
	}
	for dir := name; ; {
		i := strings.LastIndexByte(dir, '/')
		if i < 0 {
			return nil, false
		}
		dir = dir[:i]
		if allowed, ok = may[dir+"/..."]; ok {
			return allowed, true
		}
	}
}

func TestImportsFollowTheMap(t *testing.T) {
	for _, p := range packages(t) {
		name := inside(p.ImportPath)
		allowed, ok := rule(name)
		if !ok {
			t.Errorf("%s is not on the map", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module+"/") {
				continue
			}
			if !contains(allowed, inside(imported)) {
				t.Errorf("%s imports %s: the house does not lean that way", name, inside(imported))
			}
		}
	}
}

// keepsMethods are packages that ask types for their methods by names that are not known before. A program that links one
// of them keeps every exported method of every type that it has: a fifth more, when net/rpc came along with lambda.Start.
var keepsMethods = []string{"net/rpc", "text/template", "html/template"}

func TestLinkerDropsMethodsThatNobodyCalls(t *testing.T) {
	command := exec.Command("go", "list", "-deps", "./cmd/millrace")
	command.Dir = root(t)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		if contains(keepsMethods, name) {
			t.Errorf("the program links %s: the linker then keeps all exported methods", name)
		}
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func TestEveryPackageTellsItsStory(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		if p.Name == "main" {
			continue
		}
		if _, err := os.Stat(filepath.Join(p.Dir, "doc.go")); err != nil {
			t.Errorf("%s has no doc.go", p.ImportPath)
		}
	}
}

// sources calls visit for every Go file of the module that is not generated.
func sources(t *testing.T, visit func(name string, text []byte)) {
	t.Helper()
	top := root(t)
	generated := regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != top) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !generated.Match(text) {
			name, _ := filepath.Rel(top, path)
			visit(filepath.ToSlash(name), text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreOneNoun(t *testing.T) {
	const most = 600
	sources(t, func(name string, text []byte) {
		if n := bytes.Count(text, []byte("\n")); n > most {
			t.Errorf("%s has %d lines: a file past %d usually hides a second noun", name, n, most)
		}
	})
}

// wallClock are the calls that read or wait on the machine's clock.
var wallClock = map[string]bool{"Now": true, "Since": true, "Until": true, "After": true, "AfterFunc": true, "Sleep": true, "NewTimer": true, "NewTicker": true, "Tick": true}

// domain are the rooms whose time is the one clock's.
var domain = []string{"stream/", "mapping/", "queue/", "topic/", "bucket/", "function/", "logs/", "identity/", "metric/", "alarm/"}

// realTime are the places in the rooms that wait for the machine itself: sockets, child processes, the disk.
var realTime = []string{"function/process/", "function/remote/", "function/pool.go", "logs/writer.go"}

func TestTimeComesFromTheClock(t *testing.T) {
	sources(t, func(name string, text []byte) {
		test := strings.HasSuffix(name, "_test.go")
		for _, call := range timeCalls(t, name, text) {
			switch {
			case test && call == "Sleep":
				t.Errorf("%s sleeps: wait for a condition, or move the clock", name)
			case !test && under(name, domain) && !under(name, realTime):
				t.Errorf("%s calls time.%s: domain time comes from the clock", name, call)
			}
		}
	})
}

func under(name string, trees []string) bool {
	for _, tree := range trees {
		if strings.HasPrefix(name, tree) {
			return true
		}
	}
	return false
}

// timeCalls returns the names of the functions of package time in wallClock that a file calls.
func timeCalls(t *testing.T, name string, text []byte) (calls []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && x.Name == "time" && wallClock[selector.Sel.Name] {
			calls = append(calls, selector.Sel.Name)
		}
		return true
	})
	return calls
}
