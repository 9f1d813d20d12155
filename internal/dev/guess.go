package dev

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The runtimes of folders that name none. The nearest version that this machine has runs them.
const (
	pythonRuntime   = "python3.13"
	nodeRuntime     = "nodejs22.x"
	providedRuntime = "provided.al2023"
)

// mainFiles are the files by which a folder is known as a function, in the order in which they are looked for.
var mainFiles = []struct{ name, runtime string }{
	{"app.py", pythonRuntime},
	{"lambda_function.py", pythonRuntime},
	{"handler.py", pythonRuntime},
	{"main.py", pythonRuntime},
	{"index.mjs", nodeRuntime},
	{"index.js", nodeRuntime},
	{"index.cjs", nodeRuntime},
	{"app.mjs", nodeRuntime},
	{"app.js", nodeRuntime},
	{"handler.mjs", nodeRuntime},
	{"handler.js", nodeRuntime},
	{"bootstrap", providedRuntime},
	{"main.go", providedRuntime},
}

// errNoFunction says that nothing in a folder looks like a function.
var errNoFunction = errors.New("it holds no app.py, index.mjs, index.js, bootstrap, main.go or the like, and no " + settingsName + " that names Runtime and Handler")

// guess is what a folder's files say of its function.
type guess struct{ runtime, handler, file string }

// lookInto finds out what kind of function a folder holds, of one kind of runtime or, when that is empty, of any. Files of two
// kinds are an error then: nothing says which is meant.
func lookInto(dir, kind string) (g guess, err error) {
	for _, m := range mainFiles {
		if kind != "" && kindOf(m.runtime) != kind {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, m.name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err != nil {
			return g, err
		}
		if g.file == "" {
			g = guess{runtime: m.runtime, file: m.name}
		} else if g.runtime != m.runtime {
			return g, fmt.Errorf("it holds %s and %s: say which is meant, with Runtime and Handler in %s", g.file, m.name, settingsName)
		}
	}
	if g.file == "" {
		return g, errNoFunction
	}
	g.handler, err = handlerIn(dir, g)
	return g, err
}

// kindOf returns a runtime's name without its version.
func kindOf(runtime string) string {
	kind, _, _ := strings.Cut(runtime, ".")
	return strings.TrimRight(kind, "0123456789")
}

// pythonHandler finds the functions by which handlers are known.
var pythonHandler = regexp.MustCompile(`(?m)^(?:async\s+)?(?:def\s+)?(lambda_handler|handler)\s*[(=:]`)

// handlerIn returns the handler setting for the file that was found.
func handlerIn(dir string, g guess) (string, error) {
	module := strings.TrimSuffix(g.file, filepath.Ext(g.file))
	switch g.runtime {
	case nodeRuntime:
		return module + ".handler", nil
	case pythonRuntime:
		text, err := os.ReadFile(filepath.Join(dir, g.file))
		if err != nil {
			return "", err
		}
		if m := pythonHandler.FindSubmatch(text); m != nil {
			return module + "." + string(m[1]), nil
		}
		return module + ".lambda_handler", nil // AWS's own default; that it is missing is said by the runtime
	}
	return "bootstrap", nil
}
