package dev

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
)

// What the functions that are ours are known by: the description.
const (
	description = "A folder of millrace dev"
	// debugged is that of one to which a debugger is to attach. Its concurrency is reserved, which ends with this.
	debugged = description + ", for a debugger"
)

func isOurs(f *function) bool {
	return f.Description == description || f.Description == debugged
}

// configuration is what a folder says of its function, in the words of the API.
type configuration struct {
	FunctionName, Description, Runtime, Handler, Role string
	Timeout, MemorySize                               int32
	Environment                                       environment
}

// function is a function as the server has it. States are AWS's; the code's sum is SHA-256 in base64.
type function struct {
	configuration
	State, StateReason                       string
	LastUpdateStatus, LastUpdateStatusReason string
	CodeSha256                               string
}

const (
	failed     = "Failed"
	pending    = "Pending"
	inProgress = "InProgress"
)

// function returns a function as it is now.
func (w *watch) function(ctx context.Context, name string) (f function, err error) {
	err = w.clients.lambda(ctx, "GetFunctionConfiguration", http.MethodGet, functionsPath+name+"/configuration", nil, &f)
	return f, err
}

// applyFunction makes the function what its plan says, and tells what it did.
func (w *watch) applyFunction(ctx context.Context, p plan, code []byte) error {
	f, err := w.function(ctx, p.name)
	if isNotFound(err) {
		return w.createFunction(ctx, p, code)
	}
	if err != nil {
		return err
	}
	if !isOurs(&f) {
		return errors.New("there is a function of this name that millrace dev did not make: it is left alone")
	}
	if err := w.unreserve(ctx, p, &f); err != nil {
		return err
	}
	broken := f.State == failed || f.LastUpdateStatus == failed
	if p.differsFrom(&f) {
		if err := w.updateConfiguration(ctx, p); err != nil {
			return err
		}
		w.out.say(p.name, "settings are live: %s", &p)
	}
	if err := w.reserve(ctx, p); err != nil {
		return err
	}
	sum := sha256.Sum256(code)
	if base64.StdEncoding.EncodeToString(sum[:]) == f.CodeSha256 && !broken {
		return nil
	}
	in := codeOf{ZipFile: code}
	if err := w.clients.lambda(ctx, "UpdateFunctionCode", http.MethodPut, functionsPath+p.name+"/code", in, nil); err != nil {
		return err
	}
	if err := w.awaitFunction(ctx, p.name); err != nil {
		return err
	}
	w.out.say(p.name, "new code is live (%s)", size(len(code)))
	return nil
}

// codeOf is a function's code in a request.
type codeOf struct{ ZipFile []byte }

func (w *watch) createFunction(ctx context.Context, p plan, code []byte) error {
	in := struct {
		configuration
		Code codeOf
	}{p.configuration(), codeOf{code}}
	if err := w.clients.lambda(ctx, "CreateFunction", http.MethodPost, functionsPath, in, nil); err != nil {
		return err
	}
	if err := w.awaitFunction(ctx, p.name); err != nil {
		return err
	}
	if err := w.reserve(ctx, p); err != nil {
		return err
	}
	w.out.say(p.name, "function made: %s; %s of code", &p, size(len(code)))
	return nil
}

// reserve lets a function that somebody looks at run once at a time: a debugger attaches to one instance.
func (w *watch) reserve(ctx context.Context, p plan) error {
	if !p.debugged {
		return nil
	}
	in := struct{ ReservedConcurrentExecutions int32 }{1}
	return w.clients.lambda(ctx, "PutFunctionConcurrency", http.MethodPut, concurrencyPath(p.name), in, nil)
}

// unreserve ends that for a function that somebody has looked at. Its description still says so, and does until it is done.
func (w *watch) unreserve(ctx context.Context, p plan, f *function) error {
	if p.debugged || f.Description != debugged {
		return nil
	}
	return w.clients.lambda(ctx, "DeleteFunctionConcurrency", http.MethodDelete, concurrencyPath(p.name), nil, nil)
}

func (p *plan) configuration() configuration {
	c := configuration{
		FunctionName: p.name, Description: description, Runtime: p.runtime, Handler: p.handler, Role: p.role,
		Timeout: p.timeout, MemorySize: p.memory, Environment: environment{p.environment},
	}
	if p.debugged {
		c.Description = debugged
	}
	return c
}

func (w *watch) updateConfiguration(ctx context.Context, p plan) error {
	err := w.clients.lambda(ctx, "UpdateFunctionConfiguration", http.MethodPut, functionsPath+p.name+"/configuration", p.configuration(), nil)
	if err != nil {
		return err
	}
	return w.awaitFunction(ctx, p.name)
}

// differsFrom reports whether a setting of the function is another one.
func (p *plan) differsFrom(f *function) bool {
	c := p.configuration()
	return f.Description != c.Description || f.Runtime != c.Runtime || f.Handler != c.Handler || f.Role != c.Role ||
		f.Timeout != c.Timeout || f.MemorySize != c.MemorySize || !maps.Equal(f.Environment.Variables, c.Environment.Variables)
}

// awaitFunction waits until what was begun with a function has ended, and returns why it failed, if it has.
func (w *watch) awaitFunction(ctx context.Context, name string) error {
	return until(ctx, "the function is ready", func() (bool, error) {
		f, err := w.function(ctx, name)
		switch {
		case err != nil:
			return false, err
		case f.State == pending || f.LastUpdateStatus == inProgress:
			return false, nil
		case f.State == failed:
			return false, fmt.Errorf("it cannot be run: %s", f.StateReason)
		case f.LastUpdateStatus == failed:
			return false, fmt.Errorf("it cannot be run so: %s", f.LastUpdateStatusReason)
		}
		return true, nil
	})
}

// ourFunctions lists the functions that were made from folders, in this run and in earlier ones.
func (w *watch) ourFunctions(ctx context.Context) (names []string, err error) {
	for query := (url.Values{}); ; {
		var page struct {
			Functions  []function
			NextMarker string
		}
		if err := w.clients.lambda(ctx, "ListFunctions", http.MethodGet, functionsPath+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		for _, f := range page.Functions {
			if isOurs(&f) {
				names = append(names, f.FunctionName)
			}
		}
		if page.NextMarker == "" {
			return names, nil
		}
		query.Set("Marker", page.NextMarker)
	}
}

// remove ends a function whose folder has gone. Its mappings stay, disabled, with their places in their streams.
func (w *watch) remove(ctx context.Context, name string) error {
	f, err := w.function(ctx, name)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if !isOurs(&f) {
		return nil
	}
	if err := w.disableOthers(ctx, name, nil); err != nil {
		return err
	}
	if err := w.clients.lambda(ctx, "DeleteFunction", http.MethodDelete, functionsPath+name, nil, nil); err != nil {
		return err
	}
	w.out.say(name, "its folder has gone: function deleted")
	return nil
}

func size(bytes int) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}
