package sim

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/function"
)

// executor runs functions in this process. What comes of an invocation is the world's to say.
type executor struct {
	h       *house
	running atomic.Int64
}

// Check implements function.Executor.
func (e *executor) Check(context.Context, function.Spec) error { return nil }

// Elsewhere implements function.Executor.
func (e *executor) Elsewhere(function.Function) bool { return false }

// Start implements function.Executor.
func (e *executor) Start(ctx context.Context, spec function.Spec) (function.Instance, error) {
	took, err := e.h.w.startOf(spec.Function.Name.Name)
	if err := e.wait(ctx, took, nil); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	e.running.Add(1)
	return &instance{e: e, spec: spec, done: make(chan struct{})}, nil
}

var errPower = errors.New("the power has failed")

// wait lets an instance take its time.
func (e *executor) wait(ctx context.Context, d time.Duration, done <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-done:
		return function.ErrInstanceGone
	case <-e.h.dead:
		return errPower
	}
}

type instance struct {
	e    *executor
	spec function.Spec
	busy atomic.Bool
	done chan struct{}
	once sync.Once
}

// Invoke implements function.Instance.
func (i *instance) Invoke(ctx context.Context, r function.Request) (function.Response, error) {
	if !i.busy.CompareAndSwap(false, true) {
		i.e.h.w.failf("an instance of %s has two invocations at a time", i.spec.Function.Name.Name)
	}
	defer func() {
		i.busy.Store(false)
		r.Settled()
	}()
	p := i.e.h.w.planOf(i.spec.Function.Name.Name, r)
	if p.kind == gone {
		i.end()
		return function.Response{}, function.ErrInstanceGone
	}
	limit := i.spec.Function.Timeout
	if err := i.e.wait(ctx, min(p.takes, limit), i.done); err != nil {
		return function.Response{}, err
	}
	switch {
	case p.takes >= limit:
		i.end()
		return function.Response{ErrorType: function.ErrorTimeout, Message: "Task timed out"}, nil
	case p.kind == crash:
		i.end()
		return function.Response{ErrorType: function.ErrorExit, Message: "exit status 1"}, nil
	case p.kind == raise:
		return function.Response{ErrorType: "ValueError", Payload: []byte(`{"errorType":"ValueError"}`)}, nil
	case p.kind == huge:
		return function.Response{ErrorType: function.ErrorResponseTooBig, Message: "too large"}, nil
	}
	return function.Response{Payload: p.payload}, nil
}

// Done implements function.Instance.
func (i *instance) Done() <-chan struct{} { return i.done }

// Close implements function.Instance.
func (i *instance) Close() { i.end() }

func (i *instance) end() {
	i.once.Do(func() {
		close(i.done)
		i.e.running.Add(-1)
	})
}
