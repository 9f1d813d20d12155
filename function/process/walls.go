package process

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process/sandbox"
)

// Isolation says whether functions run in sandboxes.
type Isolation string

const (
	// Auto isolates functions where the host allows it, and says so once where it does not.
	Auto Isolation = "auto"
	// Required refuses to run functions without isolation.
	Required Isolation = "required"
	// Off runs functions as processes like others.
	Off Isolation = "off"
)

// spareMB is what the kernel lets a sandbox have beyond the function's memory and /tmp, which is memory too: for the sandbox
// itself, and for the watch over the function's memory to notice first in the usual case.
const spareMB = 64

// walls are what functions run behind.
type walls struct {
	root    string // where sandboxes mount their file tree
	runtime string // the folder with the bootstraps
	shared  []sandbox.Mount
	guarded bool // Runtime APIs are for their own instances alone
}

// buildWalls finds out whether the host allows sandboxes. They are nil when functions run without.
func buildWalls(c Config, runtime string) (*walls, error) {
	shared, err := parseShared(c.Shared)
	if err != nil {
		return nil, err
	}
	if c.Isolation == Off {
		return nil, nil
	}
	root := filepath.Join(filepath.Dir(runtime), "root")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for sandboxes: %w", err)
	}
	missing, unknown := sandbox.Probe(context.Background(), root), sandbox.KnowsPeers()
	if missing == nil && c.Isolation == Required {
		missing = unknown
	}
	switch {
	case missing == nil:
		if unknown != nil {
			c.Log.Warn("functions can reach each other's Runtime APIs", "missing", unknown.Error())
		}
		told := slog.String("memory", "limited by the kernel and watched")
		if err := sandbox.Limits(); err != nil {
			told = slog.String("memory", "watched, not limited by the kernel: "+err.Error())
		}
		c.Log.Info("functions run isolated", told)
		return &walls{root: root, runtime: runtime, shared: shared, guarded: unknown == nil}, nil
	case c.Isolation == Required:
		return nil, fmt.Errorf("isolation of functions is required and this host does not allow it: %w", missing)
	}
	c.Log.Warn("functions run without isolation: they can read and change what the server can", "missing", missing.Error())
	return nil, nil
}

// parseShared reads folders that functions see: a path, and ":ro" behind one that they may not write.
func parseShared(list []string) (mounts []sandbox.Mount, err error) {
	for _, text := range list {
		path, readOnly := strings.CutSuffix(text, ":ro")
		switch info, err := os.Stat(path); {
		case !filepath.IsAbs(path) || filepath.Clean(path) == "/":
			return nil, fmt.Errorf("shared folder %q is not an absolute path below /", text)
		case err != nil:
			return nil, fmt.Errorf("shared folder: %w", err)
		case !info.IsDir():
			return nil, fmt.Errorf("shared folder %q is no folder", text)
		}
		if own := ownPlace(filepath.Clean(path)); own != "" {
			return nil, fmt.Errorf("shared folder %q cannot be shown: functions have %s of their own", text, own)
		}
		path = filepath.Clean(path)
		mounts = append(mounts, sandbox.Mount{Source: path, Target: path, Writable: !readOnly})
	}
	return mounts, nil
}

// ownPlace returns the place of a sandbox's own that a shared folder would hide, or be hidden by.
func ownPlace(shared string) string {
	for _, own := range []string{sandboxPlaces.code, sandboxPlaces.runtime, sandboxPlaces.layers, "/proc", "/dev"} {
		if strings.HasPrefix(own+"/", shared+"/") || strings.HasPrefix(shared, own+"/") {
			return own
		}
	}
	return ""
}

// start starts a program in a sandbox of its own, or the extensions beside it, which have another output.
func (w *walls) start(ctx context.Context, spec function.Spec, p program, out, extensions *os.File) (*sandbox.Process, error) {
	const mb = 1 << 20
	mounts := append(append([]sandbox.Mount{}, p.mounts...),
		sandbox.Mount{Source: spec.CodeDir, Target: sandboxPlaces.code},
		sandbox.Mount{Source: w.runtime, Target: sandboxPlaces.runtime})
	if spec.LayersDir != "" {
		mounts = append(mounts, sandbox.Mount{Source: spec.LayersDir, Target: sandboxPlaces.layers})
	}
	var companions []string
	for _, name := range p.extensions {
		companions = append(companions, filepath.Join(sandboxPlaces.layers, extensionsFolder, name))
	}
	return sandbox.Start(ctx, sandbox.Spec{
		Root: w.root, Mounts: append(mounts, w.shared...), Common: len(w.shared) > 0,
		TmpBytes:    int64(spec.Function.EphemeralMB) * mb,
		MemoryBytes: int64(spec.Function.MemoryMB+spec.Function.EphemeralMB+spareMB) * mb,
		Args:        p.argv, Env: p.env, Dir: p.dir, Output: out,
		Companions: companions, CompanionEnv: p.extensionEnv, CompanionOutput: extensions,
	})
}
