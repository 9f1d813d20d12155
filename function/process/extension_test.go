package process_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

// patient gives extensions more time to end than AWS does, for machines that are busy.
func patient(_ *function.Config, p *process.Config) { p.ShutdownLimit = 20 * time.Second }

// everyIsolation runs a test with walls and without.
func everyIsolation(t *testing.T, test func(t *testing.T, h *house), options ...option) {
	options = append([]option{patient}, options...)
	t.Run("isolated", func(t *testing.T) {
		if !isolated(t) {
			t.Skip("this host does not allow sandboxes")
		}
		t.Parallel()
		test(t, open(t, options...))
	})
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		test(t, open(t, append(options, func(_ *function.Config, p *process.Config) { p.Isolation = process.Off })...))
	})
}

// extended deploys a function with external extensions of the names, and returns the folder where they meet.
func (h *house) extended(name string, extensions []string, change ...func(*function.Function)) (folder string) {
	h.t.Helper()
	content := files{}
	for _, e := range extensions {
		content["extensions/"+e+"*"] = "@" + filepath.Join(programs, "extension")
	}
	return h.extendedWith(name, content, change...)
}

func (h *house) extendedWith(name string, content files, change ...func(*function.Function)) (folder string) {
	h.t.Helper()
	folder = exchange(h.t)
	f := function.Function{
		Name: ref(name).Name, Runtime: "provided.al2023", Handler: "any", Role: "arn:aws:iam::" + account + ":role/r", Timeout: 20 * time.Second,
		Environment: map[string]string{"FOLDER": folder, "_SECRET": "x"}, MemoryMB: 512,
	}
	for _, c := range change {
		c(&f)
	}
	delete(f.Environment, "_SECRET")
	code := archive(h.t, files{"bootstrap*": "@" + filepath.Join(programs, "gobootstrap")})
	if _, err := h.functions.CreateWith(h.t.Context(), f, code, function.Extras{Layers: []string{h.layer(name, content)}}); err != nil {
		h.t.Fatal(err)
	}
	if got := h.settled(name); got.State != function.Active {
		h.t.Fatalf("%s is %s: %s", name, got.State, got.StateReason)
	}
	return folder
}

// read waits for a file and returns what is in it.
func read(t *testing.T, path ...string) string {
	t.Helper()
	var text []byte
	eventually(t, func() (there bool) {
		var err error
		text, err = os.ReadFile(filepath.Join(path...))
		return err == nil
	})
	return string(text)
}

func expectLog(t *testing.T, result function.Result, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).Match(result.LogTail) {
		t.Errorf("log:\n%s\nwant:\n%s", result.LogTail, pattern)
	}
}

// Extensions start first, hear of invocations and of the end, and what they print is in the log.
func TestExtensions(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"good-1", "silent", "deaf", "idle"})
		first := h.expect("f", `{"a":1}`, "", `{"a":1}`)
		for _, pattern := range []string{
			`(?m:^good-1 starts$)`,
			`EXTENSION\tName: deaf\tState: Ready\tEvents: \[INVOKE\]\nEXTENSION\tName: good-1\tState: Ready\tEvents: \[INVOKE, SHUTDOWN\]\n` +
				`EXTENSION\tName: idle\tState: Ready\tEvents: \[INVOKE, SHUTDOWN\]\n` +
				`EXTENSION\tName: silent\tState: Ready\tEvents: \[\]\nSTART RequestId: req-1 Version`,
		} {
			expectLog(t, first, pattern)
		}
		if !first.Cold {
			t.Error("not cold")
		}
		read(t, folder, "idle.waits")
		if second := h.expect("f", `{"a":2}`, "", `{"a":2}`); second.Cold {
			t.Error("cold again")
		}
		h.stop()
		for _, name := range []string{"good-1", "idle"} {
			if got := read(t, folder, name+".shutdown"); got != "spindown" {
				t.Errorf("%s heard %s", name, got)
			}
		}
		left, err := filepath.Glob(filepath.Join(folder, "*.shutdown"))
		if err != nil || len(left) != 2 {
			t.Errorf("who was told of the end: %v, %v", left, err)
		}
	})
}

// An extension sees the function's environment without what is the runtime's, and it sees the function's files.
func TestEnvironmentOfExtensions(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"environment"})
		h.expect("f", `1`, "", `1`)
		var all []string
		decode(t, []byte(read(t, folder, "environment.environment")), &all)
		var names []string
		for _, v := range all {
			name, _, _ := strings.Cut(v, "=")
			names = append(names, name)
		}
		want := []string{
			"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
			"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
			"AWS_SESSION_TOKEN", "FOLDER", "LANG", "LD_LIBRARY_PATH", "PATH", "TZ",
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("%q", names)
		}
	})
}

// The caller has its answer when the runtime has answered; the instance is free when the extension is done, too.
func TestSlowExtension(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"slow"})
		h.expect("f", `{"a":1}`, "", `{"a":1}`)
		if got := read(t, folder, "slow.invoked"); got != "req-1" {
			t.Errorf("heard of %s", got)
		}
		answered := make(chan function.Result, 1)
		go func() {
			result, err := h.functions.Invoke(context.Background(), function.Invocation{Ref: ref("f"), Payload: []byte(`{"a":2}`)})
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(folder, "next")); err != nil {
				t.Errorf("answered by a busy instance: %v", err)
			}
			answered <- result
		}()
		if err := os.WriteFile(filepath.Join(folder, "next"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if result := <-answered; result.Cold || string(result.Payload) != `{"a":2}` {
			t.Errorf("cold %v: %s", result.Cold, result.Payload)
		}
	})
}

// An extension that does not get done ends with the function's timeout, and the environment with it.
func TestExtensionThatIsNeverDone(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"slow", "good"}, timeout(4*time.Second))
		h.expect("f", `{"a":1}`, "", `{"a":1}`)
		// The file may be there before what is in it.
		eventually(t, func() bool { return read(t, folder, "good.shutdown") == "timeout" })
		if err := os.WriteFile(filepath.Join(folder, "next"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if result := h.expect("f", `{"a":2}`, "", `{"a":2}`); !result.Cold {
			t.Error("not cold after the timeout")
		}
	})
}

func TestExtensionsThatFail(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		for _, test := range []struct{ extension, errorType, message, log string }{
			{"crash", "Extension.Crash", "exit status 7", `crash hears of req-1\n(?s:.*)RequestId: req-1 Error: exit status 7\nExtension.Crash\nEND RequestId: req-1\nREPORT .*\tStatus: error\tError Type: Extension.Crash\n$`},
			{"killed", "Extension.Crash", "signal: killed", `killed hears of req-1\n`},
			{"exiterror", "Extension.ExitError", "exit status 1", `exiterror hears of req-1\n`},
			{
				"exits", "Extension.Crash", "exit status 5", `exits starts\nEXTENSION\tName: exits\tState: Started\tEvents: \[\]\n` +
					`INIT_REPORT Init Duration: .* ms\tPhase: init\tStatus: error\tError Type: Extension.Crash\nSTART `,
			},
			{
				"initerror", "Extension.InitError", "exit status 1", `EXTENSION\tName: initerror\tState: InitError\tEvents: \[INVOKE, SHUTDOWN\]\tError Type: Extension.NoLicence\n` +
					`INIT_REPORT Init Duration: .* ms\tPhase: init\tStatus: error\tError Type: Extension.InitError\nSTART `,
			},
		} {
			h.extended(test.extension, []string{test.extension})
			// The runtime waits for what does not come, so that the extension is the first to end.
			result := h.expect(test.extension, `{"Do":"wait","Text":"/never"}`, "Unhandled",
				fmt.Sprintf(`{"errorType":%q,"errorMessage":"RequestId: req-1 Error: %s"}`, test.errorType, test.message))
			expectLog(t, result, test.log)
		}
	})
}

// What is not a program fails to start, and so does an eleventh extension.
func TestExtensionsThatCannotStart(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		h.extendedWith("denied", files{"extensions/b": "no program", "extensions/a*": "#!/bin/sh\nsleep 600\n"})
		result := h.expect("denied", `1`, "Unhandled",
			`{"errorType":"Extension.LaunchError","errorMessage":"RequestId: req-1 Error: fork/exec /opt/extensions/b: permission denied"}`)
		expectLog(t, result, `EXTENSION\tName: b\tState: LaunchError\tEvents: \[\]\tError Type: PermissionDenied\nINIT_REPORT Init Duration: .* ms\tPhase: init\tStatus: error\tError Type: Extension.LaunchError\n`)
		h.extendedWith("format", files{"extensions/a*": "no program"})
		h.expect("format", `1`, "Unhandled",
			`{"errorType":"Extension.LaunchError","errorMessage":"RequestId: req-1 Error: fork/exec /opt/extensions/a: exec format error"}`)
		many := files{}
		for n := range 11 {
			many[fmt.Sprintf("extensions/%c*", 'a'+n)] = "#!/bin/sh\nsleep 600\n"
		}
		h.extendedWith("many", many)
		result = h.expect("many", `1`, "Unhandled", `{"errorType":"Extension.LaunchError","errorMessage":"RequestId: req-1 Error: ErrTooManyExtensions"}`)
		expectLog(t, result, `EXTENSION\tName: k\tState: LaunchError\tEvents: \[\]\tError Type: TooManyExtensions\n`)
		// Folders are none.
		h.extendedWith("folder", files{"extensions/folder/a*": "#!/bin/sh\nexit 1\n"})
		h.expect("folder", `1`, "", `1`)
	})
}

// An extension that never registers uses up the initialization, and then the function's timeout.
func TestExtensionThatNeverRegisters(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"never"}, timeout(4*time.Second))
		result := h.expect("f", `1`, "Unhandled", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: req-1 Error: Task timed out after 4.00 seconds"}`)
		expectLog(t, result, `EXTENSION\tName: never\tState: Started\tEvents: \[\]\nINIT_REPORT Init Duration: .* ms\tPhase: init\tStatus: timeout\nSTART `)
		read(t, folder, "never.started")
		h.stop()
	}, func(_ *function.Config, p *process.Config) {
		p.InitLimit, p.ShutdownLimit = 200*time.Millisecond, 400*time.Millisecond
	})
}

// One that registers within the first invocation has the runtime started then.
func TestExtensionThatRegistersLate(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"late"})
		answered := make(chan function.Result, 1)
		go func() {
			result, err := h.functions.Invoke(context.Background(), function.Invocation{Ref: ref("f"), Payload: []byte(`{"a":1}`), Tail: true})
			if err != nil {
				t.Error(err)
			}
			answered <- result
		}()
		eventually(t, func() bool { // the initialization has taken too long
			h.started.mu.Lock()
			defer h.started.mu.Unlock()
			return h.started.last != nil
		})
		if err := os.WriteFile(filepath.Join(folder, "register"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if result := <-answered; string(result.Payload) != `{"a":1}` {
			t.Errorf("%s", result.Payload)
		}
	}, func(_ *function.Config, p *process.Config) { p.InitLimit = 50 * time.Millisecond })
}

// The runtime's own end is told to the extensions as a failure. One that hangs is waited for, but not for ever.
func TestExtensionThatHangs(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"good", "hang"})
		h.expect("f", `{"Do":"exit","Number":3}`, "Unhandled",
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 3"}`)
		for _, name := range []string{"good", "hang"} {
			if got := read(t, folder, name+".shutdown"); got != "failure" {
				t.Errorf("%s heard %s", name, got)
			}
		}
		h.stop() // returns
	}, func(_ *function.Config, p *process.Config) { p.ShutdownLimit = 4 * time.Second })
}

// A timeout is told to the extensions, and the caller does not wait for them.
func TestTimeoutIsToldToExtensions(t *testing.T) {
	t.Parallel()
	everyIsolation(t, func(t *testing.T, h *house) {
		folder := h.extended("f", []string{"good"}, timeout(time.Second))
		h.expect("f", `{"Do":"wait","Text":"/never"}`, "Unhandled",
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: req-1 Error: Task timed out after 1.00 seconds"}`)
		if got := read(t, folder, "good.shutdown"); got != "timeout" {
			t.Errorf("heard %s", got)
		}
	})
}
