package dev

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxFolders bounds how many functions there are.
const maxFolders = 1000

// fingerprints looks at all folders of a folder. Two that are equal mean that nothing was changed between: names, lengths,
// times and permissions are in them, not what the files hold.
func fingerprints(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	prints := make(map[string]string)
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || name == "node_modules" || !isCode(name) {
			continue
		}
		path := filepath.Join(dir, name)
		info, err := os.Stat(path) // a folder may be a link
		if err != nil || !info.IsDir() {
			continue
		}
		if len(prints) == maxFolders {
			return nil, fmt.Errorf("there are more than %d folders", maxFolders)
		}
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		prints[name] = fingerprint(path)
	}
	return prints, nil
}

// fingerprint looks at one folder. That it cannot be looked at is part of what is seen.
func fingerprint(dir string) string {
	sum := sha256.New()
	note := func(name string, info fs.FileInfo) error {
		var numbers [20]byte
		binary.BigEndian.PutUint64(numbers[:], uint64(info.Size()))
		binary.BigEndian.PutUint64(numbers[8:], uint64(info.ModTime().UnixNano()))
		binary.BigEndian.PutUint32(numbers[16:], uint32(info.Mode()))
		sum.Write([]byte(name))
		sum.Write([]byte{0})
		sum.Write(numbers[:])
		return nil
	}
	err := walkCode(dir, note)
	if info, statErr := os.Stat(filepath.Join(dir, settingsName)); statErr == nil {
		err = errors.Join(err, note(settingsName, info))
	}
	if err != nil {
		fmt.Fprint(sum, err)
	}
	return string(sum.Sum(nil))
}
