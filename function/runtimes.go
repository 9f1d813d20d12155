package function

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/arn"
)

// runtimes are the identifiers that AWS accepts, in the order in which its message lists them.
var runtimes = []string{
	"nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x", "java25",
	"python3.10", "python3.11", "java21", "ruby3.3", "ruby3.4", "ruby3.2", "python3.8", "python3.9", "java17",
	"nodejs16.x", "dotnet10", "dotnet8", "java11", "dotnet6", "nodejs18.x", "provided.al2", "java8.al2",
}

// deprecatedRuntimes are those that AWS knew once and refuses now.
var deprecatedRuntimes = []string{
	"nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x",
	"python2.7", "python3.6", "python3.7", "java8", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1",
	"go1.x", "ruby2.5", "ruby2.7", "provided",
}

// Runtimes returns the identifiers of the runtimes that may be asked for. Whether one can be run here is another
// question, which the executor answers while a function is created.
func Runtimes() []string { return slices.Clone(runtimes) }

// KnownRuntime reports whether a runtime exists, or did once.
func KnownRuntime(runtime string) bool {
	return slices.Contains(runtimes, runtime) || slices.Contains(deprecatedRuntimes, runtime)
}

// checkRuntime returns a *RuntimeError unless the runtime may be asked for.
func checkRuntime(runtime string) error {
	switch {
	case slices.Contains(runtimes, runtime):
		return nil
	case slices.Contains(deprecatedRuntimes, runtime):
		return &RuntimeError{Runtime: runtime, Deprecated: true}
	}
	return &RuntimeError{Runtime: runtime}
}

// ManagedRuntime reports whether the platform brings the runtime along, so that the code is a handler and not a whole
// program.
func ManagedRuntime(runtime string) bool { return !strings.HasPrefix(runtime, "provided") }

// RuntimeVersionARN names the version of the function's runtime. The host's interpreter has no name at AWS: what stands in
// for it is made of the runtime's name, so that it changes when that does.
func (f Function) RuntimeVersionARN() string {
	sum := sha256.Sum256([]byte(f.Runtime))
	return arn.New("lambda", f.Region, "", "runtime:"+hex.EncodeToString(sum[:])).String()
}

// runtimeVersion is what the log calls the version: python:3.12.v1 of python3.12.
func (f Function) runtimeVersion() string {
	i := strings.IndexAny(f.Runtime, ".0123456789")
	if i < 0 {
		return f.Runtime + ".v1"
	}
	version := strings.TrimSuffix(strings.TrimPrefix(f.Runtime[i:], "."), ".x")
	return f.Runtime[:i] + ":" + version + ".v1"
}
