package process

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePATH makes a PATH with programs that say to be the given versions.
func fakePATH(t *testing.T, programs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, says := range programs {
		script := fmt.Sprintf("#!/bin/sh\necho '%s'\n", says)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return dir
}

func TestFindInterpreter(t *testing.T) {
	tests := []struct {
		name     string
		programs map[string]string
		runtime  string
		match    Match
		want     string // version and path, or what is missing
	}{
		{"exact", map[string]string{"python3.12": "12 /real/python", "python3": "11 /other"}, "python3.12", Exact, "12 /real/python"},
		{"generic name", map[string]string{"python3": "12 /real/python"}, "python3.12", Exact, "12 /real/python"},
		{"a name that lies", map[string]string{"python3.12": "11 /real/python"}, "python3.12", Exact, "there is python3.11 at /real/python. Install it, or start the server with --runtime-match nearest to run the function on what is there."},
		{"a shim without a version", map[string]string{"python3.12": "", "python3": "10 /p"}, "python3.12", Exact, "there is python3.10 at /p."},
		{"Python 2", map[string]string{"python": "0 /p"}, "python3.12", Exact, "nor any other Python."},
		{"node by major", map[string]string{"node": "22 /real/node"}, "nodejs22.x", Exact, "22 /real/node"},
		{"Debian's name", map[string]string{"nodejs": "18 /real/node"}, "nodejs18.x", Exact, "18 /real/node"},
		{"another node", map[string]string{"node": "20 /n"}, "nodejs22.x", Exact, "node 22 was not found on the PATH; there is node 20 at /n."},
		{"nearest node", map[string]string{"node": "20 /n"}, "nodejs22.x", Nearest, "20 /n"},
		{"nearest, the newer", map[string]string{"python3.11": "11 /a", "python3.13": "13 /b"}, "python3.12", Nearest, "13 /b"},
		{"nearest, the older", map[string]string{"python3.11": "11 /a", "python3.14": "14 /b"}, "python3.12", Nearest, "11 /a"},
		{"nearest, none", nil, "python3.12", Nearest, "nor any other Python."},
	}
	for _, test := range tests {
		fakePATH(t, test.programs)
		in := newInterpreters(test.match, nil, slog.New(slog.DiscardHandler))
		found, err := in.find(t.Context(), test.runtime)
		got := fmt.Sprintf("%d %s", found.version, found.path)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// An interpreter with two names is named once, two of one version are both.
func TestInterpreterWithTwoNames(t *testing.T) {
	install := t.TempDir()
	at := func(name string) string { return filepath.Join(install, name) }
	for _, err := range []error{
		os.WriteFile(at("python3.11"), nil, 0o755), os.WriteFile(at("other"), nil, 0o755),
		os.Symlink("python3.11", at("python3")), os.Symlink("python3", at("python")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for python, there := range map[string]string{
		"python": "python3.11 at " + at("python3") + ".", "other": "python3.11 at " + at("python3") + ", python3.11 at " + at("other") + ".",
	} {
		fakePATH(t, map[string]string{"python3": "11 " + at("python3"), "python": "11 " + at(python)})
		_, err := newInterpreters(Exact, nil, slog.New(slog.DiscardHandler)).find(t.Context(), "python3.12")
		if err == nil || !strings.Contains(err.Error(), "; there is "+there) {
			t.Errorf("%s: %v", python, err)
		}
	}
}

func TestInterpreterThatAppears(t *testing.T) {
	dir := fakePATH(t, nil)
	in := newInterpreters(Exact, nil, slog.New(slog.DiscardHandler))
	if _, err := in.find(t.Context(), "python3.12"); err == nil {
		t.Error("found what is not there")
	}
	if err := os.WriteFile(filepath.Join(dir, "python3.12"), []byte("#!/bin/sh\necho 12 /p\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := in.find(t.Context(), "python3.12"); err != nil {
		t.Error(err)
	}
}
