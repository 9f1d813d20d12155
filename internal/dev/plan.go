package dev

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
)

const (
	defaultTimeout  = 3 // seconds, AWS's own
	defaultMemoryMB = 128
)

// plan is what a folder says its function should be.
type plan struct {
	name, dir       string
	runtime         string
	handler         string
	role            string
	timeout, memory int32
	environment     map[string]string
	mappings        []mappingSettings
	guess           guess
	extras          []extra
	debugged        bool
	about           string // the debugger, if there is one
}

// functionName are the names that functions may have.
var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// makePlan reads a folder.
func (w *watch) makePlan(name string) (plan, error) {
	p := plan{
		name: name, dir: filepath.Join(w.dir, name), role: "arn:aws:iam::" + w.clients.account + ":role/millrace-dev",
		timeout: defaultTimeout, memory: defaultMemoryMB, environment: map[string]string{},
		mappings: []mappingSettings{{StreamName: name}},
	}
	if !functionName.MatchString(name) {
		return p, errors.New("its name cannot be a function's: that has up to 64 letters, digits, - and _")
	}
	if real, err := filepath.EvalSymlinks(p.dir); err == nil {
		p.dir = real
	}
	s, err := settingsOf(p.dir)
	if err != nil {
		return p, err
	}
	known := s.Runtime != nil && s.Handler != nil
	assign(&p.runtime, s.Runtime)
	if !known || kindOf(p.runtime) == kindOf(providedRuntime) { // which may have to be built
		if p.guess, err = lookInto(p.dir, kindOf(p.runtime)); err != nil && !known {
			return p, err
		}
		p.runtime, p.handler = p.guess.runtime, p.guess.handler
	}
	assign(&p.runtime, s.Runtime)
	assign(&p.handler, s.Handler)
	assign(&p.role, s.Role)
	assign(&p.timeout, s.Timeout)
	assign(&p.memory, s.MemorySize)
	if s.Environment != nil {
		maps.Copy(p.environment, s.Environment.Variables)
	}
	assign(&p.mappings, s.EventSourceMappings)
	if port, ok := w.debug[name]; ok {
		if err := p.debugAt(port); err != nil {
			return p, err
		}
	}
	return p, nil
}

func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// settingsOf reads the file of settings, which need not be there.
func settingsOf(dir string) (settings, error) {
	text, err := os.ReadFile(filepath.Join(dir, settingsName))
	if errors.Is(err, fs.ErrNotExist) {
		return settings{}, nil
	}
	if err != nil {
		return settings{}, err
	}
	return readSettings(text)
}

// code makes the package.
func (p *plan) code(ctx context.Context) ([]byte, error) {
	if p.guess.file == "main.go" {
		built, err := buildGo(ctx, p.dir, p.debugged)
		if err != nil {
			return nil, err
		}
		p.extras = append(p.extras, built)
	}
	return pack(p.dir, p.extras...)
}

func (p *plan) String() string {
	text := fmt.Sprintf("%s, %s", p.runtime, p.handler)
	if p.guess.file != "" {
		text += " (found " + p.guess.file + ")"
	}
	return text
}
