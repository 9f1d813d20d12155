package remote

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/millrace/millrace/function"
)

// Config is what an Executor is made of.
type Config struct {
	// Here runs the functions that do not live elsewhere.
	Here function.Executor
	// Credentials sign invocations of AWS's Lambda; nil refuses them. They are the operator's, and whoever may create a
	// function invokes with them.
	Credentials aws.CredentialsProvider
}

// Executor sends the invocations of functions that live elsewhere there, and has the others run here.
type Executor struct {
	here        function.Executor
	credentials aws.CredentialsProvider
	client      *http.Client
}

const (
	// idlePerHost is how many connections to one host are kept between invocations, idleTimeout for how long.
	idlePerHost = 64
	idleTimeout = 90 * time.Second
)

// New returns an Executor. It starts nothing.
func New(c Config) *Executor {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.IdleConnTimeout = idlePerHost, idleTimeout
	return &Executor{here: c.Here, credentials: c.Credentials, client: &http.Client{
		Transport: transport,
		// An answer that points elsewhere is not the function's.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var errUnsigned = errors.New("invocations at AWS are not signed here; start the server with --remote-credentials on to use those of its environment")

// Elsewhere implements function.Executor.
func (e *Executor) Elsewhere(f function.Function) bool {
	return f.Environment[Variable] != "" || e.here.Elsewhere(f)
}

// Check implements function.Executor. It does not knock: what answers there may come later.
func (e *Executor) Check(ctx context.Context, spec function.Spec) error {
	if spec.Function.Environment[Variable] == "" {
		return e.here.Check(ctx, spec)
	}
	_, err := e.target(spec)
	return err
}

// Start implements function.Executor.
func (e *Executor) Start(ctx context.Context, spec function.Spec) (function.Instance, error) {
	if spec.Function.Environment[Variable] == "" {
		return e.here.Start(ctx, spec)
	}
	t, err := e.target(spec)
	if err != nil {
		return nil, err
	}
	// The instance outlives the invocation that starts it.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	return &instance{executor: e, target: t, spec: spec, life: life, end: end}, nil
}

func (e *Executor) target(spec function.Spec) (target, error) {
	t, err := parse(spec.Function.Environment[Variable])
	if err == nil && t.region != "" && e.credentials == nil {
		err = errUnsigned
	}
	return t, err
}
