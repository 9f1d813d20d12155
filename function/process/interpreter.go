package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process/sandbox"
)

// probeTimeout bounds how long an interpreter may take to say its version.
const probeTimeout = 10 * time.Second

// language is a family of runtimes that one kind of interpreter runs.
type language struct {
	name string
	// runtime matches the identifiers; its group is the version.
	runtime *regexp.Regexp
	// exact names the program that is only ever this version, and others the programs whose version must be asked.
	exact  func(version int) string
	others []string
	// probe is what makes the interpreter print its version and its real path, separated by a space.
	probe []string
	// range of the versions that nearest matches look through.
	oldest, newest int
	format         func(version int) string
}

var languages = []language{
	{
		name:    "Python",
		runtime: regexp.MustCompile(`^python3\.(\d+)$`),
		exact:   func(v int) string { return "python3." + strconv.Itoa(v) },
		others:  []string{"python3", "python"},
		probe:   []string{"-c", "import sys; print(sys.version_info[1] if sys.version_info[0] == 3 else 0, sys.executable)"},
		oldest:  8, newest: 20,
		format: func(v int) string { return "python3." + strconv.Itoa(v) },
	},
	{
		name:    "Node.js",
		runtime: regexp.MustCompile(`^nodejs(\d+)\.x$`),
		exact:   func(v int) string { return "node" + strconv.Itoa(v) },
		others:  []string{"node", "nodejs"},
		probe:   []string{"-p", "process.versions.node.split('.')[0] + ' ' + process.execPath"},
		oldest:  16, newest: 30,
		format: func(v int) string { return "node " + strconv.Itoa(v) },
	},
}

// bringYourOwn says what to do about a runtime that is none of ours.
const bringYourOwn = "only Python, Node.js and provided runtimes are run as processes. Create the function with the runtime provided.al2023 " +
	"and bring the runtime along: a program named bootstrap, in the code or in a layer, that speaks the Runtime API, as AWS's runtime interface clients do."

// interpreter is a program that runs a runtime.
type interpreter struct {
	language string
	version  int
	path     string
}

// interpreters knows which program runs which runtime. What was found is remembered; what was missing is looked for
// again, since it may have been installed.
type interpreters struct {
	match      Match
	configured map[string]string
	log        *slog.Logger

	mu    sync.Mutex
	found map[string]interpreter
}

func newInterpreters(match Match, configured map[string]string, log *slog.Logger) *interpreters {
	return &interpreters{match: match, configured: configured, log: log, found: make(map[string]interpreter)}
}

// find returns the interpreter for a runtime, or a *function.RuntimeMissingError.
func (in *interpreters) find(ctx context.Context, runtime string) (interpreter, error) {
	in.mu.Lock()
	found, ok := in.found[runtime]
	in.mu.Unlock()
	if ok {
		return found, nil
	}
	for _, l := range languages {
		m := l.runtime.FindStringSubmatch(runtime)
		if m == nil {
			continue
		}
		version, err := strconv.Atoi(m[1])
		if err != nil {
			return interpreter{}, &function.RuntimeMissingError{Runtime: runtime, Missing: "its version is not a number."}
		}
		if found, err = in.look(ctx, l, runtime, version); err != nil {
			return interpreter{}, err
		}
		in.mu.Lock()
		in.found[runtime] = found
		in.mu.Unlock()
		return found, nil
	}
	return interpreter{}, &function.RuntimeMissingError{Runtime: runtime, Missing: bringYourOwn}
}

// forget makes the next find look again: what was found has gone.
func (in *interpreters) forget(runtime string) {
	in.mu.Lock()
	delete(in.found, runtime)
	in.mu.Unlock()
}

// look finds the interpreter: the one that is configured, the one of the exact version, or the nearest.
func (in *interpreters) look(ctx context.Context, l language, runtime string, version int) (interpreter, error) {
	if path := in.configured[runtime]; path != "" {
		found, err := probe(ctx, l, path)
		if err != nil {
			return interpreter{}, missing(ctx, runtime, fmt.Sprintf("the configured interpreter %s does not work: %v.", path, err))
		}
		return found, nil
	}
	all := candidates(ctx, l, append([]string{l.exact(version)}, l.others...))
	for _, c := range all {
		if c.version == version {
			return c, nil
		}
	}
	if in.match == Nearest {
		all = append(all, candidates(ctx, l, l.versions(version))...)
		if nearest, ok := closest(all, version); ok {
			in.log.Warn("runtime runs on another version than it names", "runtime", runtime, "interpreter", nearest.path, "version", nearest.version)
			return nearest, nil
		}
	}
	return interpreter{}, missing(ctx, runtime, l.whatIsMissing(version, all))
}

// missing is the error of a runtime without interpreter, unless the search was given up.
func missing(ctx context.Context, runtime, what string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return &function.RuntimeMissingError{Runtime: runtime, Missing: what}
}

func (l language) whatIsMissing(version int, found []interpreter) string {
	text := fmt.Sprintf("%s was not found on the PATH", l.format(version))
	if len(found) == 0 {
		return text + ", nor any other " + l.name + ". Install it."
	}
	var names, seen []string
	for _, f := range found {
		real := f.path // of which python3 and python are often two names
		if target, err := filepath.EvalSymlinks(real); err == nil {
			real = target
		}
		if !slices.Contains(seen, real) {
			seen, names = append(seen, real), append(names, fmt.Sprintf("%s at %s", l.format(f.version), f.path))
		}
	}
	return text + "; there is " + strings.Join(names, ", ") + ". Install it, or start the server with --runtime-match nearest to run the function on what is there."
}

// versions names the programs of all other versions.
func (l language) versions(except int) (names []string) {
	for v := l.oldest; v <= l.newest; v++ {
		if v != except {
			names = append(names, l.exact(v))
		}
	}
	return names
}

// candidates returns the interpreters among the named programs that work.
func candidates(ctx context.Context, l language, names []string) (found []interpreter) {
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if c, err := probe(ctx, l, path); err == nil {
			found = append(found, c)
		}
	}
	return found
}

// closest prefers the next newer version to an older one that is as near.
func closest(found []interpreter, version int) (interpreter, bool) {
	if len(found) == 0 {
		return interpreter{}, false
	}
	distance := func(i interpreter) int {
		if i.version >= version {
			return 2 * (i.version - version)
		}
		return 2*(version-i.version) + 1
	}
	return slices.MinFunc(found, func(a, b interpreter) int { return distance(a) - distance(b) }), true
}

// probe runs a program and returns what it says of itself. The path is the program's real one: what is on the PATH may
// be a script that chooses a version by its environment, which functions do not have.
func probe(ctx context.Context, l language, path string) (interpreter, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, l.probe...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return interpreter{}, err
	}
	first, real, ok := strings.Cut(strings.TrimSpace(string(out)), " ")
	version, err := strconv.Atoi(first)
	if err != nil || !ok || version == 0 {
		return interpreter{}, errors.New("it does not say its version")
	}
	if real == "" {
		real = path
	}
	return interpreter{language: l.name, version: version, path: real}, nil
}

// mounts are the folders that an interpreter needs, beside the system's own: where it was installed, without what else may
// be there.
func (in interpreter) mounts() (needed []sandbox.Mount) {
	paths := []string{in.path}
	if real, err := filepath.EvalSymlinks(in.path); err == nil && real != in.path {
		paths = append(paths, real)
	}
	for _, path := range paths {
		prefix := filepath.Dir(filepath.Dir(path))
		if in.path == "" || prefix == "/" || prefix == "/usr" || strings.HasPrefix(prefix, "/usr/") {
			continue
		}
		for _, name := range []string{"bin", "lib", "lib64", "pyvenv.cfg"} {
			at := filepath.Join(prefix, name)
			needed = append(needed, sandbox.Mount{Source: at, Target: at, Optional: true})
		}
		needed = append(needed, sandbox.Mount{Source: path, Target: path})
	}
	return needed
}
