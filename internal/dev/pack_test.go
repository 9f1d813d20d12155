package dev

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func fill(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheSameFilesAreTheSamePackage(t *testing.T) {
	files := map[string]string{
		"app.py": "code", "lib/b.py": "b", "lib-a": "a", "node_modules/x/index.js": "x", ".env": "kept",
		".git/config": "no", "lib/__pycache__/b.pyc": "no", "millrace.json": "{}", ".venv/bin/python": "no",
	}
	one, other := fill(t, t.TempDir(), files), fill(t, t.TempDir(), files)
	for dir, mode := range map[string]os.FileMode{one: 0o700, other: 0o755} {
		fill(t, dir, map[string]string{"bootstrap": "#!/bin/sh"})
		if err := errors.Join(os.Chmod(filepath.Join(dir, "bootstrap"), mode), os.Symlink("b.py", filepath.Join(dir, "lib", "link"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(other, "app.py"), time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	a, err := pack(one, extra{"made", []byte("extra")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := pack(other, extra{"made", []byte("extra")})
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("the packages differ: %v", err)
	}
	r, err := zip.NewReader(bytes.NewReader(a), int64(len(a)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name+" "+f.Mode().String())
	}
	wanted := []string{
		"made -rwxr-xr-x", ".env -rw-r--r--", "app.py -rw-r--r--", "bootstrap -rwxr-xr-x", "lib-a -rw-r--r--", "lib/b.py -rw-r--r--",
		"lib/link Lrwxrwxrwx", "node_modules/x/index.js -rw-r--r--",
	}
	if !slices.Equal(names, wanted) {
		t.Errorf("it holds %q", names)
	}
}

func TestPackagesHaveBounds(t *testing.T) {
	outside := fill(t, t.TempDir(), map[string]string{"app.py": ""})
	if err := os.Symlink("../../etc/passwd", filepath.Join(outside, "passwd")); err != nil {
		t.Fatal(err)
	}
	large := fill(t, t.TempDir(), map[string]string{"app.py": "", "data/huge": "", "small": "x"})
	if err := os.Truncate(filepath.Join(large, "data", "huge"), maxCodeBytes); err != nil { // takes no room on the disk
		t.Fatal(err)
	}
	for dir, wanted := range map[string]string{
		outside:     "passwd is a link to ../../etc/passwd, outside of the folder",
		large:       "the files have more than 250 MiB together; the largest parts are data (250.0 MiB), small (0.0 MiB)",
		t.TempDir(): "it holds no files",
	} {
		if _, err := pack(dir); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%v, not %s", err, wanted)
		}
	}
}

func TestFingerprints(t *testing.T) {
	dir := fill(t, t.TempDir(), map[string]string{
		"a/app.py": "1", "b/app.py": "1", ".hidden/app.py": "1", "node_modules/app.py": "1", "file": "1",
	})
	before, err := fingerprints(dir)
	if err != nil || len(before) != 2 {
		t.Fatalf("%d folders, %v", len(before), err)
	}
	changes := []func() error{
		func() error { return os.WriteFile(filepath.Join(dir, "a", "app.py"), []byte("12"), 0o644) },
		func() error { return os.Chmod(filepath.Join(dir, "a", "app.py"), 0o755) },
		func() error { return os.Chtimes(filepath.Join(dir, "a", "app.py"), time.Time{}, time.Unix(1e9, 0)) },
		func() error { return os.WriteFile(filepath.Join(dir, "a", "millrace.json"), []byte("{}"), 0o644) },
		func() error { return os.Rename(filepath.Join(dir, "a", "app.py"), filepath.Join(dir, "a", "other.py")) },
	}
	for i, change := range changes {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		after, err := fingerprints(dir)
		if err != nil || after["a"] == before["a"] || after["b"] != before["b"] {
			t.Errorf("change %d is not seen, or too much is: %v", i, err)
		}
		before = after
	}
	fill(t, dir, map[string]string{"a/__pycache__/other.pyc": "1"})
	if after, err := fingerprints(dir); err != nil || after["a"] != before["a"] {
		t.Errorf("what is no code is seen: %v", err)
	}
}

func TestWhatAFolderHolds(t *testing.T) {
	for _, c := range []struct {
		files   map[string]string
		runtime string
		handler string // or the error
	}{
		{map[string]string{"app.py": "def handler(e, c): pass"}, pythonRuntime, "app.handler"},
		{map[string]string{"app.py": "import x\nasync def lambda_handler(e, c): pass"}, pythonRuntime, "app.lambda_handler"},
		{map[string]string{"handler.py": "handler = make()"}, pythonRuntime, "handler.handler"},
		{map[string]string{"lambda_function.py": ""}, pythonRuntime, "lambda_function.lambda_handler"},
		{map[string]string{"index.js": "", "lib.py": ""}, nodeRuntime, "index.handler"},
		{map[string]string{"bootstrap": "", "main.go": ""}, providedRuntime, "bootstrap"},
		{map[string]string{"app.py": "", "index.js": ""}, "", "it holds app.py and index.js: say which is meant"},
		{map[string]string{"README": ""}, "", errNoFunction.Error()},
		{map[string]string{"app.py/x": ""}, "", errNoFunction.Error()},
	} {
		g, err := lookInto(fill(t, t.TempDir(), c.files), "")
		if err != nil {
			if c.runtime != "" || !strings.Contains(err.Error(), c.handler) {
				t.Errorf("%v: %v", c.files, err)
			}
		} else if g.runtime != c.runtime || g.handler != c.handler {
			t.Errorf("%v: %+v", c.files, g)
		}
	}
	both := fill(t, t.TempDir(), map[string]string{"app.py": "", "index.js": ""})
	if g, err := lookInto(both, kindOf("nodejs20.x")); err != nil || g.handler != "index.handler" {
		t.Errorf("%+v, %v", g, err)
	}
	if g, err := lookInto(both, kindOf("provided.al2")); !errors.Is(err, errNoFunction) {
		t.Errorf("%+v, %v", g, err)
	}
}
