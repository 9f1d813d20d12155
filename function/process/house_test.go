package process_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
	"github.com/millrace/millrace/function/process/sandbox"
	"github.com/millrace/millrace/internal/scratch"
	"github.com/millrace/millrace/store/disk"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
)

// programs holds the compiled bootstraps.
var programs string

// programsVariable tells a test binary that another one starts where the programs are.
const programsVariable = "HOUSE_TEST_PROGRAMS"

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	if programs = os.Getenv(programsVariable); programs == "" {
		folder, err := scratch.Make("", "bootstraps-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = folder.Remove() }()
		programs = folder.Path()
		if err := os.Chmod(programs, 0o755); err != nil || !buildPrograms() {
			return 1
		}
	}
	if len(os.Args) > 1 && os.Args[len(os.Args)-1] == sacrifice {
		beSacrificed()
	}
	return m.Run()
}

func buildPrograms() bool {
	names := []string{"gobootstrap", "minimal", "extension"}
	if runtime.GOOS == "linux" {
		names = append(names, "hostile")
	}
	for _, name := range names {
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(programs, name), "./testdata/"+name)
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", name, err, out)
			return false
		}
	}
	return true
}

// house is the room of functions with its processes, ready to be used.
type house struct {
	t         testing.TB
	functions *function.Service
	code      string
	started   *starts
	stop      func()
}

// starts is an executor that remembers the instance that it started last.
type starts struct {
	function.Executor
	mu   sync.Mutex
	last function.Instance
}

func (s *starts) Start(ctx context.Context, spec function.Spec) (function.Instance, error) {
	i, err := s.Executor.Start(ctx, spec)
	s.mu.Lock()
	s.last = i
	s.mu.Unlock()
	return i, err
}

// awaitEnd returns when the instance that was started last has ended, and the executor knows it.
func (s *starts) awaitEnd() {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	<-last.Done()
}

type option func(*function.Config, *process.Config)

func open(t testing.TB, options ...option) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := disk.Open(disk.Options{Memory: true, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	shared := filepath.Dir(dir) // of all folders of this test
	if err := os.Chmod(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	p := process.Config{Shared: []string{shared}, Dir: dir, EndpointURL: "http://127.0.0.1:4566", Log: log, Interpreters: olderPythons()}
	f := function.Config{Store: store, Clock: clockwork.NewRealClock(), Log: log, CodeDir: filepath.Join(dir, "code")}
	f.SettleGrace = 10 * time.Second // so that a busy machine starts no second instance where a test counts on one
	for _, o := range options {
		o(&f, &p)
	}
	executor, err := process.New(p)
	if err != nil {
		t.Fatal(err)
	}
	started := &starts{Executor: executor}
	f.Executor = started
	functions, err := function.New(f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- functions.Run(ctx) }()
	h := &house{t: t, functions: functions, code: f.CodeDir, started: started}
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// exchange makes a folder in which functions may write, whoever they run as.
func exchange(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// isolated reports whether this host lets functions be isolated.
func isolated(t testing.TB) bool {
	t.Helper()
	return sandbox.Probe(t.Context(), t.TempDir()) == nil
}

// olderPythons names interpreters that this machine may have beside those on the PATH.
func olderPythons() map[string]string {
	found := map[string]string{}
	home, err := os.UserHomeDir()
	if err != nil {
		return found
	}
	for minor := 8; minor <= 14; minor++ {
		paths, err := filepath.Glob(filepath.Join(home, fmt.Sprintf(".pyenv/versions/3.%d.*/bin/python", minor)))
		if err == nil && len(paths) > 0 {
			found[fmt.Sprintf("python3.%d", minor)] = paths[0]
		}
	}
	return found
}

// files is what an archive holds. A name that ends in "*" is a program; content that begins with "@" comes from a file.
type files map[string]string

func archive(t testing.TB, content files) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, text := range content {
		h := &zip.FileHeader{Name: strings.TrimSuffix(name, "*"), Method: zip.Deflate}
		if strings.HasPrefix(text, "@") {
			h.Method = zip.Store // a program; compressing it would take most of the test
		}
		h.SetMode(0o644)
		if strings.HasSuffix(name, "*") {
			h.SetMode(0o755)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		data := []byte(text)
		if path, ok := strings.CutPrefix(text, "@"); ok {
			if data, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func ref(name string) function.Ref {
	return function.Ref{Name: function.Name{Account: account, Region: region, Name: name}}
}

// deploy creates a function and waits until it is Active.
func (h *house) deploy(name, runtime, handler string, content files, change ...func(*function.Function)) {
	h.t.Helper()
	f := function.Function{
		Name: ref(name).Name, Runtime: runtime, Handler: handler, Role: "arn:aws:iam::" + account + ":role/r", Timeout: 20 * time.Second,
	}
	for _, c := range change {
		c(&f)
	}
	if _, err := h.functions.Create(h.t.Context(), f, archive(h.t, content)); err != nil {
		h.t.Fatal(err)
	}
	if got := h.settled(name); got.State != function.Active {
		h.t.Fatalf("%s is %s: %s", name, got.State, got.StateReason)
	}
}

// settled waits until nothing is in progress.
func (h *house) settled(name string) function.Function {
	h.t.Helper()
	var f function.Function
	eventually(h.t, func() bool {
		var err error
		if f, err = h.functions.Get(h.t.Context(), ref(name).Name); err != nil {
			h.t.Fatal(err)
		}
		return f.State != function.Pending && f.LastUpdateStatus != function.UpdateInProgress
	})
	return f
}

// eventually waits for a condition that something else brings about.
func eventually(t testing.TB, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-limit.C:
			t.Fatal("the condition did not come true")
		}
	}
}

// invoke runs a function that must be run.
func (h *house) invoke(name, payload string) function.Result {
	h.t.Helper()
	result, err := h.functions.Invoke(h.t.Context(), function.Invocation{Ref: ref(name), Payload: []byte(payload), RequestID: "req-1", Tail: true})
	if err != nil {
		h.t.Fatalf("invoke %s: %v", name, err)
	}
	return result
}

// expect runs a function and compares what the caller gets.
func (h *house) expect(name, payload, functionError, want string) function.Result {
	h.t.Helper()
	result := h.invoke(name, payload)
	if result.FunctionError != functionError || string(result.Payload) != want {
		h.t.Errorf("%s(%s) = %q %s\nwant %q %s\nlog: %s", name, payload, result.FunctionError, result.Payload, functionError, want, result.LogTail)
	}
	return result
}

// decode reads a payload into v.
func decode(t testing.TB, payload []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(payload, v); err != nil {
		t.Fatalf("%v: %s", err, payload)
	}
}

// need skips a test of a runtime that this machine does not have.
func need(t testing.TB, h *house, runtime string) {
	t.Helper()
	executor, err := process.New(process.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Interpreters: olderPythons()})
	if err != nil {
		t.Fatal(err)
	}
	if err := executor.Check(t.Context(), function.Spec{Function: function.Function{Runtime: runtime}}); err != nil {
		t.Skip(err)
	}
}

// gobootstrap deploys the function on aws-lambda-go.
func (h *house) gobootstrap(name string, change ...func(*function.Function)) {
	h.t.Helper()
	h.deploy(name, "provided.al2023", "any", files{"bootstrap*": "@" + filepath.Join(programs, "gobootstrap")}, change...)
}

func handler(name string) func(*function.Function) {
	return func(f *function.Function) { f.Handler = name }
}

func timeout(d time.Duration) func(*function.Function) {
	return func(f *function.Function) { f.Timeout = d }
}
