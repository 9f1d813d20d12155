package process

import (
	"context"
	"log/slog"
	"time"

	"github.com/millrace/millrace/function"
)

// Match says which version of an interpreter may run a runtime.
type Match string

const (
	// Exact takes the version that the runtime names: python3.12 for python3.12, any Node.js 22 for nodejs22.x.
	Exact Match = "exact"
	// Nearest takes the version that comes closest when the exact one is missing, and warns.
	Nearest Match = "nearest"
)

// Config is what an Executor is made of. Dir and Log are required.
type Config struct {
	// Dir is a folder for the files of our own bootstraps.
	Dir string
	// EndpointURL is where functions find the services of the house, unless they set AWS_ENDPOINT_URL themselves.
	EndpointURL string
	// Credentials gives out what functions sign with; nil for placeholders, which name the account and nothing else.
	Credentials CredentialSource
	// RuntimeMatch is Exact when empty.
	RuntimeMatch Match
	// Interpreters names the program for a runtime, by the runtime's identifier: {"python3.12": "/opt/py312/bin/python"}.
	// Other runtimes are looked for on the server's PATH.
	Interpreters map[string]string
	// Isolation is Auto when empty.
	Isolation Isolation
	// Shared are folders of the host that isolated functions see at the same path, each with ":ro" behind it when they
	// may not write there. Functions without isolation see everything anyway.
	Shared []string
	// NeverFreeze lets functions go on between invocations; otherwise they are stopped where the host allows it.
	NeverFreeze bool
	// InitLimit is how long an instance may initialize before its first invocation begins, 10 s when zero.
	InitLimit time.Duration
	// ShutdownLimit is how long an instance with external extensions may take to end, 2 s when zero. The runtime has three
	// twentieths of it for its part; one that has only extensions within itself ends in a quarter.
	ShutdownLimit time.Duration
	Log           *slog.Logger
}

// Executor starts functions as processes. It is a function.Executor.
type Executor struct {
	endpointURL  string
	source       CredentialSource
	initLimit    time.Duration
	endLimit     time.Duration
	neverFreeze  bool
	log          *slog.Logger
	bootstraps   bootstraps
	interpreters *interpreters
	walls        *walls // nil when there are none
}

var _ function.Executor = (*Executor)(nil)

// New returns an executor, after it has written the bootstraps to their folder and found out whether functions can be isolated.
func New(c Config) (*Executor, error) {
	b, err := writeBootstraps(c.Dir)
	if err != nil {
		return nil, err
	}
	w, err := buildWalls(c, b.dir)
	if err != nil {
		return nil, err
	}
	if c.InitLimit == 0 {
		c.InitLimit = 10 * time.Second
	}
	if c.ShutdownLimit == 0 {
		c.ShutdownLimit = shutdownLimit
	}
	return &Executor{
		endpointURL:  c.EndpointURL,
		source:       c.Credentials,
		initLimit:    c.InitLimit,
		endLimit:     c.ShutdownLimit,
		neverFreeze:  c.NeverFreeze,
		log:          c.Log,
		bootstraps:   b,
		interpreters: newInterpreters(c.RuntimeMatch, c.Interpreters, c.Log),
		walls:        w,
	}, nil
}

// Elsewhere implements function.Executor: processes are here.
func (e *Executor) Elsewhere(function.Function) bool { return false }

// Check reports whether the host has what the function's runtime needs.
func (e *Executor) Check(ctx context.Context, spec function.Spec) error {
	if !function.ManagedRuntime(spec.Function.Runtime) {
		return nil
	}
	_, err := e.interpreters.find(ctx, spec.Function.Runtime)
	return err
}
