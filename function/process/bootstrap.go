package process

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

var (
	//go:embed bootstrap.py
	bootstrapPython []byte
	//go:embed bootstrap.cjs
	bootstrapNode []byte
)

// The files of the bootstraps.
const (
	pythonName = "bootstrap.py"
	nodeName   = "bootstrap.cjs"
)

// bootstraps is the folder with the programs that interpreters run.
type bootstraps struct{ dir string }

// writeBootstraps writes the files to a folder that is named after what they hold, so that servers of several versions
// can share a parent.
func writeBootstraps(parent string) (bootstraps, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return bootstraps{}, fmt.Errorf("find folder for bootstraps: %w", err)
	}
	sum := sha256.Sum256(bytes.Join([][]byte{bootstrapPython, bootstrapNode}, []byte{0}))
	dir := filepath.Join(parent, "bootstrap-"+hex.EncodeToString(sum[:6]))
	b := bootstraps{dir}
	return b, b.write()
}

// write makes the folder unless it is as it should be.
func (b bootstraps) write() error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return fmt.Errorf("make folder for bootstraps: %w", err)
	}
	return errors.Join(
		os.Chmod(b.dir, 0o755), // whatever the umask is: functions may run as another user
		writeFile(filepath.Join(b.dir, pythonName), bootstrapPython),
		writeFile(filepath.Join(b.dir, nodeName), bootstrapNode),
	)
}

func writeFile(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	part, err := os.CreateTemp(filepath.Dir(path), "part-")
	if err != nil {
		return fmt.Errorf("write bootstrap: %w", err)
	}
	_, err = part.Write(content)
	err = errors.Join(err, part.Chmod(0o644), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write bootstrap: %w", err), os.Remove(part.Name()))
	}
	return nil
}
