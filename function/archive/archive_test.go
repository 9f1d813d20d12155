package archive_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/function/archive"
)

// item is one entry of an archive to build; a zero mode is written as systems without permissions do.
type item struct {
	name, content string
	mode          fs.FileMode
}

func build(t testing.TB, items ...item) []byte {
	t.Helper()
	data, err := tryBuild(items...)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func tryBuild(items ...item) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.name, Method: zip.Deflate}
		if i.mode != 0 {
			h.SetMode(i.mode)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(i.name, "/") {
			continue
		}
		if _, err := f.Write([]byte(i.content)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}

// extract opens and extracts into a fresh folder.
func extract(t testing.TB, data []byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	a, err := archive.Open(data)
	if err != nil {
		return dir, err
	}
	return dir, a.Extract(dir)
}

func TestExtractKeepsContentAndModes(t *testing.T) {
	dir, err := extract(t, build(t,
		item{"main.py", "print()", 0o640},
		item{"bin/", "", fs.ModeDir | 0o750},
		item{"bin/tool", "#!/bin/sh", 0o755},
		item{"deep/er/file", "x", 0o600},
		item{"./dot", "d", 0o644},
		item{"bin/link", "../main.py", fs.ModeSymlink | 0o777},
		item{"unreadable", "x", 0o001},
		item{"setuid", "x", fs.ModeSetuid | 0o755},
	))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		"main.py": 0o644, "bin": fs.ModeDir | 0o755, "bin/tool": 0o755, "deep": fs.ModeDir | 0o755, "deep/er/file": 0o644,
		"dot": 0o644, "unreadable": 0o445, "setuid": 0o755,
	} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %s, want %s", name, info.Mode(), want)
		}
	}
	content, err := os.ReadFile(filepath.Join(dir, "bin/link"))
	if err != nil || string(content) != "print()" {
		t.Errorf("through the link: %q, %v", content, err)
	}
}

func TestArchivesWithoutModesGetUsualOnes(t *testing.T) {
	dir, err := extract(t, build(t, item{"bootstrap", "#!/bin/sh", 0}, item{"lib/", "", 0}, item{"lib/bootstrap", "x", 0}))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"bootstrap": 0o755, "lib": fs.ModeDir | 0o755, "lib/bootstrap": 0o644} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %s", name, info, err, want)
		}
	}
}

func TestUnreadableArchives(t *testing.T) {
	link := fs.ModeSymlink | fs.FileMode(0o777)
	tests := map[string][]byte{
		"no archive":                []byte("not a zip"),
		"nothing":                   nil,
		"parent":                    build(t, item{"../escaped", "x", 0o644}),
		"parent inside":             build(t, item{"a/../../escaped", "x", 0o644}),
		"absolute":                  build(t, item{"/tmp/escaped", "x", 0o644}),
		"zero byte":                 build(t, item{"a\x00b", "x", 0o644}),
		"absolute link":             build(t, item{"l", "/etc", link}),
		"link out":                  build(t, item{"a/l", "../../x", link}),
		"link down and out":         build(t, item{"l", "a/../../x", link}),
		"link through another out":  build(t, item{"s", ".", link}, item{"t", "s/s/s/../../../x", link}),
		"file behind a link":        build(t, item{"l", "d", link}, item{"l/file", "x", 0o644}),
		"folder behind a link":      build(t, item{"l", "d", link}, item{"l/", "", fs.ModeDir | 0o755}),
		"file over a link":          build(t, item{"l", "d", link}, item{"l", "x", 0o644}),
		"device":                    build(t, item{"dev", "", fs.ModeDevice | 0o644}),
		"pipe":                      build(t, item{"fifo", "", fs.ModeNamedPipe | 0o644}),
		"file as folder":            build(t, item{"f", "x", 0o644}, item{"f/g", "x", 0o644}),
		"name too long":             build(t, item{strings.Repeat("n", 300), "x", 0o644}),
		"path too long":             build(t, item{strings.Repeat("n/", 3000) + "x", "x", 0o644}),
		"long link target":          build(t, item{"l", strings.Repeat("x", 5000), link}),
		"broken checksum":           corrupt(t, build(t, item{"f", strings.Repeat("content ", 1000), 0o644})),
		"cut short":                 build(t, item{"f", "content", 0o644})[:40],
		"more than it declares":     declare(t, build(t, item{"f", strings.Repeat("x", 1000), 0o644}), 10),
		"less than it declares":     declare(t, build(t, item{"f", strings.Repeat("x", 1000), 0o644}), 100_000),
		"unknown compression":       patch(t, build(t, item{"f", "x", 0o644}), 10, 99),
		"encrypted":                 patch(t, build(t, item{"f", "x", 0o644}), 8, 1),
		"too many entries declared": manyEntries(archive.MaxEntries + 1),
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		dir, err := extract(t, tests[name])
		if !errors.Is(err, archive.ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
		escaped, globErr := filepath.Glob(filepath.Join(dir, "../*escaped*"))
		if globErr != nil || len(escaped) != 0 {
			t.Errorf("%s: wrote %v", name, escaped)
		}
	}
}

func TestEmptyAndTooLargeArchives(t *testing.T) {
	if _, err := archive.Open(build(t)); !errors.Is(err, archive.ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	one := build(t, item{"f", "x", 0o644})
	if _, err := archive.Open(declare(t, one, archive.MaxUnzippedBytes+1)); !errors.Is(err, archive.ErrTooLarge) {
		t.Errorf("one file: %v", err)
	}
	var items []item
	for i := range 3 {
		items = append(items, item{fmt.Sprint("f", i), "x", 0o644})
	}
	if _, err := archive.Open(declare(t, build(t, items...), archive.MaxUnzippedBytes/2)); !errors.Is(err, archive.ErrTooLarge) {
		t.Errorf("together: %v", err)
	}
	if _, err := archive.Open(declare(t, one, archive.MaxUnzippedBytes)); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
}

func TestVerifyReadsEverything(t *testing.T) {
	good, err := archive.Open(build(t, item{"f", "content", 0o644}, item{"d/", "", fs.ModeDir | 0o755}))
	if err != nil {
		t.Fatal(err)
	}
	if err := good.Verify(); err != nil {
		t.Error(err)
	}
	bad, err := archive.Open(corrupt(t, build(t, item{"f", strings.Repeat("content ", 1000), 0o644})))
	if err != nil {
		t.Fatal(err)
	}
	if err := bad.Verify(); !errors.Is(err, archive.ErrUnreadable) {
		t.Error(err)
	}
}

// corrupt changes the recorded checksum of the first entry.
func corrupt(t testing.TB, data []byte) []byte {
	return patch(t, data, 16, data[central(t, data)+16]+1)
}

// declare changes the declared length of every entry.
func declare(t testing.TB, data []byte, size uint32) []byte {
	data = bytes.Clone(data)
	for at := central(t, data); at < len(data); {
		binary.LittleEndian.PutUint32(data[at+24:], size)
		next := bytes.Index(data[at+4:], []byte("PK\x01\x02"))
		if next < 0 {
			break
		}
		at += 4 + next
	}
	return data
}

// patch changes one byte of the first entry's line in the directory.
func patch(t testing.TB, data []byte, offset int, value byte) []byte {
	data = bytes.Clone(data)
	data[central(t, data)+offset] = value
	return data
}

func central(t testing.TB, data []byte) int {
	t.Helper()
	at := bytes.Index(data, []byte("PK\x01\x02"))
	if at < 0 {
		t.Fatal("no directory")
	}
	return at
}

func manyEntries(n int) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := range n {
		if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i), Method: zip.Store}); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// FuzzExtract holds every archive to the promises of the package: nothing outside the folder, nothing but files,
// folders and links that stay inside, and never more bytes than were declared.
func FuzzExtract(f *testing.F) {
	link := fs.ModeSymlink | fs.FileMode(0o777)
	f.Add(build(f, item{"a", "x", 0o644}, item{"d/", "", fs.ModeDir | 0o755}, item{"d/b", "y", 0o755}))
	f.Add(build(f, item{"a/l", "../b", link}, item{"b", "y", 0o600}))
	f.Add(build(f, item{"l", "..", link}, item{"l/x", "y", 0o600}))
	f.Add(build(f, item{"../x", "y", 0o600}))
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := archive.Open(data)
		if err != nil || a.Size() > 1<<20 {
			return
		}
		outer := t.TempDir()
		dir := filepath.Join(outer, "root")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		err = a.Extract(dir)
		if err == nil {
			if err := a.Verify(); err != nil {
				t.Errorf("extracted, but not verified: %v", err)
			}
		}
		if outside, _ := os.ReadDir(outer); len(outside) != 1 {
			t.Errorf("wrote outside: %v", outside)
		}
		inspect(t, dir, a.Size())
	})
}

// FuzzEntries does the same for archives that are well formed, with any names, links and modes.
func FuzzEntries(f *testing.F) {
	f.Add("a/b", uint32(0o644), "link", "a/../..", "link/x", uint32(0o755))
	f.Add("s", uint32(fs.ModeSymlink|0o777), "t", "s/..", "t/../x", uint32(fs.ModeDir|0o700))
	f.Add("d/", uint32(fs.ModeDir|0o700), "d/l", "../e", "e/f", uint32(0))
	f.Fuzz(func(t *testing.T, first string, mode uint32, linkName, target, second string, mode2 uint32) {
		link := fs.ModeSymlink | fs.FileMode(0o777)
		data, err := tryBuild(item{first, "content", fs.FileMode(mode)}, item{linkName, target, link}, item{second, target, fs.FileMode(mode2)})
		if err != nil {
			return
		}
		a, err := archive.Open(data)
		if err != nil {
			return
		}
		outer := t.TempDir()
		dir := filepath.Join(outer, "root")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		_ = a.Extract(dir)
		if outside, _ := os.ReadDir(outer); len(outside) != 1 {
			t.Errorf("wrote outside: %v", outside)
		}
		inspect(t, dir, a.Size())
	})
}

func inspect(t *testing.T, dir string, declared int64) {
	var total int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch info.Mode().Type() {
		case 0:
			total += info.Size()
		case fs.ModeDir:
		case fs.ModeSymlink:
			real, err := filepath.EvalSymlinks(path)
			if err == nil && real != dir && !strings.HasPrefix(real, dir+"/") {
				t.Errorf("%s leads to %s", path, real)
			}
		default:
			t.Errorf("%s is %s", path, info.Mode())
		}
		if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if total > declared {
		t.Errorf("%d bytes, %d declared", total, declared)
	}
}
