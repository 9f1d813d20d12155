package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

// Never more invocations run than the limit says, and each one above it is refused.
func TestConcurrencyLimit(t *testing.T) {
	for name, limit := range map[string]option{
		"of the account":   func(f *function.Config, _ *process.Config) { f.Concurrency = 3 },
		"of the instances": func(f *function.Config, _ *process.Config) { f.MaxInstances = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, limit)
			h.gobootstrap("f")
			dir := exchange(t)
			gate := filepath.Join(dir, "gate")
			var work sync.WaitGroup
			for i := range 3 {
				work.Go(func() {
					// Each has a gate of its own, which shows that it has started.
					mine := filepath.Join(dir, fmt.Sprint(i))
					result, err := h.functions.Invoke(context.Background(), function.Invocation{
						Ref: ref("f"), Payload: fmt.Appendf(nil, `{"Do":"wait","Text":%q,"Number":1}`, mine),
					})
					if err != nil || string(result.Payload) != `"waited"` {
						t.Errorf("%s %v", result.Payload, err)
					}
				})
			}
			eventually(t, func() bool {
				started, err := filepath.Glob(filepath.Join(dir, "*.started"))
				return err == nil && len(started) == 3
			})
			for range 50 {
				_, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f"), Payload: fmt.Appendf(nil, `{"Do":"wait","Text":%q,"Number":1}`, gate)})
				throttled, ok := errors.AsType[*function.ThrottledError](err)
				if !ok || throttled.Reason != "ConcurrentInvocationLimitExceeded" {
					t.Fatalf("the fourth: %v", err)
				}
			}
			if started, err := filepath.Glob(gate + "*"); err != nil || len(started) != 0 {
				t.Errorf("a refused invocation has run: %v, %v", started, err)
			}
			for i := range 3 {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			work.Wait()
			h.expect("f", `1`, "", `1`)
		})
	}
}

// Under load from all sides nothing is lost or mixed up, and the number of processes stays within the limit.
func TestLoad(t *testing.T) {
	h := open(t, func(f *function.Config, _ *process.Config) { f.MaxInstances = 4 })
	h.deploy("a", "provided.al2023", "h", files{"bootstrap*": "@" + filepath.Join(programs, "minimal")})
	h.deploy("b", "provided.al2023", "h", files{"bootstrap*": "@" + filepath.Join(programs, "minimal"), "b": ""})
	var work sync.WaitGroup
	var mu sync.Mutex
	var answered, throttled int
	for worker := range 8 {
		work.Go(func() {
			name := []string{"a", "b"}[worker%2]
			for i := range 200 {
				payload := fmt.Sprintf(`{"worker":%d,"i":%d}`, worker, i)
				result, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref(name), Payload: []byte(payload)})
				mu.Lock()
				var limit *function.ThrottledError
				switch {
				case errors.As(err, &limit):
					throttled++
				case err != nil || result.FunctionError != "" || string(result.Payload) != payload:
					t.Errorf("%s: %q %s %v", payload, result.FunctionError, result.Payload, err)
				default:
					answered++
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	if answered == 0 || answered+throttled != 1600 {
		t.Errorf("%d answered, %d throttled", answered, throttled)
	}
}

// One caller after another never pays for a second instance, however soon it calls.
func TestSequentialCallsShareAnInstance(t *testing.T) {
	h := open(t, func(f *function.Config, _ *process.Config) { f.Concurrency = 1 })
	h.deploy("f", "provided.al2023", "h", files{"bootstrap*": "@" + filepath.Join(programs, "minimal")})
	for i := range 500 {
		if result := h.expect("f", `1`, "", `1`); result.Cold != (i == 0) {
			t.Fatalf("invocation %d: cold %v", i, result.Cold)
		}
	}
}
