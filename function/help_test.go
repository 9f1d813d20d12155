package function_test

import (
	"archive/zip"
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/disktest"
)

const role = "arn:aws:iam::123456789012:role/r"

// executor is an Executor without processes, which does what a test tells it.
type executor struct {
	mu      sync.Mutex
	check   error                                                       // what Check answers
	start   error                                                       // what Start answers
	begin   func(function.Spec) error                                   // or this
	brief   bool                                                        // instances end as soon as they have started
	run     func(function.Spec, function.Request) (bool, []byte, error) // settles at once, payload, error
	memory  int                                                         // MB that an invocation with run is said to have used
	started []function.Spec
	running int

	farewell time.Duration // how long Close takes when an instance has ended, as with extensions
}

func (e *executor) set(change func(*executor)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

func (e *executor) counts() (started, running int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.started), e.running
}

func (e *executor) Check(context.Context, function.Spec) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.check
}

// Elsewhere says so of the functions whose names begin with far.
func (e *executor) Elsewhere(f function.Function) bool { return strings.HasPrefix(f.Name.Name, "far") }

func (e *executor) Start(_ context.Context, spec function.Spec) (function.Instance, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.start != nil {
		return nil, e.start
	}
	if e.begin != nil {
		if err := e.begin(spec); err != nil {
			return nil, err
		}
	}
	e.started = append(e.started, spec)
	e.running++
	i := &instance{executor: e, spec: spec, done: make(chan struct{})}
	if e.brief {
		go i.Close()
	}
	return i, nil
}

type instance struct {
	executor *executor
	spec     function.Spec
	done     chan struct{}
	once     sync.Once
}

func (i *instance) Invoke(_ context.Context, r function.Request) (function.Response, error) {
	i.executor.mu.Lock()
	run, memory := i.executor.run, i.executor.memory
	i.executor.mu.Unlock()
	if run == nil {
		r.Settled()
		return function.Response{Payload: []byte(i.spec.Function.Description)}, nil
	}
	settled, payload, err := run(i.spec, r)
	if settled {
		r.Settled()
	}
	response := function.Response{Payload: payload}
	if bytes.HasPrefix(payload, []byte(`{"errorMessage"`)) {
		response.ErrorType = "Runtime.Unknown"
	}
	response.MaxMemoryMB = memory
	return response, err
}

func (i *instance) Done() <-chan struct{} { return i.done }

func (i *instance) Close() {
	i.once.Do(func() {
		close(i.done)
		i.executor.mu.Lock()
		farewell := i.executor.farewell
		i.executor.mu.Unlock()
		<-time.After(farewell)
		i.executor.set(func(e *executor) { e.running-- })
	})
}

// house is the room of functions in a bubble of virtual time.
type house struct {
	t         *testing.T
	functions *function.Service
	executor  *executor
	store     *disk.Store
	config    function.Config
	stop      func()
}

// inBubble runs a test in virtual time with an open house.
func inBubble(t *testing.T, test func(*testing.T, *house), change ...func(*function.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := disktest.Memory(t)
		h := &house{t: t, executor: &executor{}, store: store}
		h.config = function.Config{
			Store: store, Clock: clockwork.NewRealClock(), Log: slog.New(slog.DiscardHandler), Executor: h.executor,
			TransitionDelay: time.Second, CodeDir: filepath.Join(t.TempDir(), "code"),
		}
		for _, c := range change {
			c(&h.config)
		}
		h.open()
		test(t, h)
		h.stop()
	})
}

// open starts the room on what the store holds.
func (h *house) open() {
	h.t.Helper()
	functions, err := function.New(h.config)
	if err != nil {
		h.t.Fatal(err)
	}
	h.functions = functions
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- functions.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-stopped; err != nil {
			h.t.Error(err)
		}
		if _, running := h.executor.counts(); running != 0 {
			h.t.Errorf("%d instances left", running)
		}
	})
}

func name(s string) function.Name {
	return function.Name{Account: "123456789012", Region: "eu-west-1", Name: s}
}

func ref(s string) function.Ref { return function.Ref{Name: name(s)} }

// code is an archive with one file of the given content.
func code(t testing.TB, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create("main.py")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func plain(s string) function.Function {
	return function.Function{Name: name(s), Runtime: "python3.12", Handler: "main.handler", Role: role, Description: s}
}

func (h *house) create(s string) function.Function {
	h.t.Helper()
	f, err := h.functions.Create(h.t.Context(), plain(s), code(h.t, s))
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

// active creates a function and lets it become so.
func (h *house) active(s string) function.Function {
	h.t.Helper()
	h.create(s)
	h.settle()
	f := h.get(s)
	if f.State != function.Active {
		h.t.Fatalf("%s is %s: %s", s, f.State, f.StateReason)
	}
	return f
}

func (h *house) get(s string) function.Function {
	h.t.Helper()
	f, err := h.functions.Get(h.t.Context(), name(s))
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

// settle lets all transitions happen.
func (h *house) settle() {
	h.after(h.config.TransitionDelay)
}

// after lets virtual time pass.
func (h *house) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (h *house) invoke(s string) (string, error) {
	result, err := h.functions.Invoke(h.t.Context(), function.Invocation{Ref: ref(s)})
	return string(result.Payload), err
}

// expect invokes and compares the payload.
func (h *house) expect(s, want string) {
	h.t.Helper()
	if got, err := h.invoke(s); err != nil || got != want {
		h.t.Errorf("invoke %s: %q %v, want %q", s, got, err, want)
	}
}
