package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/internal/scratch"
)

// buildTimeout bounds a build.
const buildTimeout = 5 * time.Minute

// buildGo builds the Go program of a folder as its bootstrap: one that is debugged with all its variables, and the paths of its
// sources. The error holds what the compiler says.
func buildGo(ctx context.Context, dir string, debugged bool) (extra, error) {
	compiler, err := exec.LookPath("go")
	if err != nil {
		return extra{}, errors.New("main.go cannot be built, since there is no go on the PATH: install it, or put a built program there as bootstrap")
	}
	out, err := scratch.Make("", "millrace-build-")
	if err != nil {
		return extra{}, err
	}
	defer func() { _ = out.Remove() }() // what stays goes with the next build
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	program := filepath.Join(out.Path(), "bootstrap")
	how := "-trimpath"
	if debugged {
		how = "-gcflags=./...=-N -l" // its own packages, not those that it imports
	}
	command := exec.CommandContext(ctx, compiler, "build", how, "-buildvcs=false", "-o", program, ".")
	command.Dir = dir
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.WaitDelay = time.Second
	if said, err := command.CombinedOutput(); err != nil {
		return extra{}, fmt.Errorf("go build: %w\n%s", err, said)
	}
	text, err := os.ReadFile(program)
	return extra{"bootstrap", text}, err
}
