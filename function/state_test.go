package function_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/archive"
	"github.com/millrace/millrace/store"
)

// states is what clients see of where a function stands.
func states(f function.Function) string {
	return fmt.Sprintf("%s/%s/%s %s/%s/%s", f.State, f.StateReasonCode, f.StateReason, f.LastUpdateStatus, f.LastUpdateStatusReasonCode, f.LastUpdateStatusReason)
}

const (
	pending    = "Pending/Creating/The function is being created. //"
	active     = "Active// Successful//"
	inProgress = "Active// InProgress/Creating/The function is being created."
)

func TestLifecycle(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		revisions := map[string]bool{}
		expect := func(f function.Function, want string) {
			t.Helper()
			if got := states(f); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			revisions[f.RevisionID] = true
		}
		created := h.create("f")
		expect(created, pending)
		if created.Timeout != 3*time.Second || created.MemoryMB != 128 || created.EphemeralMB != 512 || created.LogGroup != "/aws/lambda/f" ||
			!slices.Equal(created.Architectures, []string{"x86_64"}) || created.Environment != nil || !created.LastModified.Equal(time.Now()) {
			t.Errorf("%+v", created)
		}
		var notReady *function.NotReadyError
		if _, err := h.invoke("f"); !errors.As(err, &notReady) || notReady.State != function.Pending {
			t.Errorf("invoke: %v", err)
		}
		_, err := h.functions.UpdateConfiguration(t.Context(), name("f"), function.ConfigurationUpdate{})
		if !errors.As(err, &notReady) {
			t.Errorf("update: %v", err)
		}
		h.settle()
		expect(h.get("f"), active)

		updated, err := h.functions.UpdateConfiguration(t.Context(), name("f"), function.ConfigurationUpdate{Description: new("changed")})
		if err != nil {
			t.Fatal(err)
		}
		expect(updated, inProgress)
		h.expect("f", "f") // the former function
		var updating *function.UpdatingError
		if _, err := h.functions.UpdateCode(t.Context(), name("f"), function.CodeUpdate{Zip: code(t, "2")}); !errors.As(err, &updating) || updating.ARN != name("f").ARN() {
			t.Errorf("update during an update: %v", err)
		}
		h.settle()
		expect(h.get("f"), active)
		h.expect("f", "changed")

		updated, err = h.functions.UpdateCode(t.Context(), name("f"), function.CodeUpdate{Zip: code(t, "2"), Architectures: []string{"arm64"}})
		if err != nil {
			t.Fatal(err)
		}
		expect(updated, inProgress)
		if updated.CodeSha256() == created.CodeSha256() || updated.Architectures[0] != "arm64" {
			t.Errorf("%+v", updated)
		}
		h.settle()
		expect(h.get("f"), active)
		if len(revisions) != 6 {
			t.Errorf("%d revision ids, want one for each of 6 states", len(revisions))
		}
	})
}

func TestFunctionThatCannotRun(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		missing := &function.RuntimeMissingError{Runtime: "python3.12", Missing: "python3.12 was not found."}
		h.executor.set(func(e *executor) { e.check = missing })
		h.create("f")
		h.settle()
		const reason = "The runtime python3.12 cannot be run on this host: python3.12 was not found."
		if got := states(h.get("f")); got != "Failed/InvalidRuntime/"+reason+" Failed/InvalidRuntime/"+reason {
			t.Error(got)
		}
		var notReady *function.NotReadyError
		if _, err := h.invoke("f"); !errors.As(err, &notReady) || notReady.State != function.Failed {
			t.Errorf("invoke: %v", err)
		}
		// Once there is an interpreter, an update makes it work.
		h.executor.set(func(e *executor) { e.check = nil })
		if _, err := h.functions.UpdateConfiguration(t.Context(), name("f"), function.ConfigurationUpdate{}); err != nil {
			t.Fatal(err)
		}
		h.settle()
		if got := states(h.get("f")); got != active {
			t.Error(got)
		}
		h.expect("f", "f")
	})
}

// An update that cannot be run leaves the former function in service, also over a restart.
func TestFailedUpdate(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.executor.set(func(e *executor) { e.check = errors.New("out of order") })
		if _, err := h.functions.UpdateConfiguration(t.Context(), name("f"), function.ConfigurationUpdate{Description: new("broken")}); err != nil {
			t.Fatal(err)
		}
		h.settle()
		check := func() {
			t.Helper()
			f := h.get("f")
			if got := states(f); got != "Active// Failed/InternalError/out of order" || f.Description != "broken" {
				t.Errorf("%s %s", f.Description, got)
			}
			h.expect("f", "f")
		}
		check()
		h.stop()
		h.open()
		check()
		h.executor.set(func(e *executor) { e.check = nil })
		if _, err := h.functions.UpdateCode(t.Context(), name("f"), function.CodeUpdate{Zip: code(t, "2")}); err != nil {
			t.Fatal(err)
		}
		h.settle()
		h.expect("f", "broken")
	})
}

func TestRestartResumes(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("updated")
		if _, err := h.functions.UpdateCode(t.Context(), name("updated"), function.CodeUpdate{Zip: code(t, "2")}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.functions.Create(t.Context(), plain("created"), code(t, "3")); err != nil {
			t.Fatal(err)
		}
		h.stop()

		h.config.TransitionDelay = 0
		functions, err := function.New(h.config) // not running yet
		if err != nil {
			t.Fatal(err)
		}
		for s, want := range map[string]string{"updated": inProgress, "created": pending} {
			f, err := functions.Get(t.Context(), name(s))
			if err != nil || states(f) != want {
				t.Errorf("%s: %s %v", s, states(f), err)
			}
		}
		result, err := functions.Invoke(t.Context(), function.Invocation{Ref: ref("updated")})
		if err != nil || string(result.Payload) != "updated" {
			t.Errorf("the former function: %s %v", result.Payload, err)
		}
		if _, running := h.executor.counts(); running != 1 {
			t.Errorf("%d run", running)
		}
		h.executor.set(func(e *executor) { e.running = 0 }) // that room is given up without having run
		h.open()
		h.settle()
		for _, s := range []string{"updated", "created"} {
			if got := states(h.get(s)); got != active {
				t.Errorf("%s: %s", s, got)
			}
			h.expect(s, s)
		}
	})
}

func TestCreateRefusals(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.create("taken")
		variables := func(v map[string]string) func(*function.Function) {
			return func(f *function.Function) { f.Environment = v }
		}
		tests := map[string]struct {
			change func(*function.Function)
			want   string
		}{
			"taken":       {func(f *function.Function) { f.Name = name("taken") }, "function exists already"},
			"long name":   {func(f *function.Function) { f.Name = name(strings.Repeat("n", 65)) }, "function name \"" + strings.Repeat("n", 65) + "\" is too long"},
			"no runtime":  {func(f *function.Function) { f.Runtime = "" }, "runtime and handler are mandatory"},
			"no handler":  {func(f *function.Function) { f.Handler = "" }, "runtime and handler are mandatory"},
			"unknown":     {func(f *function.Function) { f.Runtime = "PYTHON3.9" }, `runtime "PYTHON3.9" is not known`},
			"deprecated":  {func(f *function.Function) { f.Runtime = "go1.x" }, `runtime "go1.x" is not supported any more`},
			"timeout":     {func(f *function.Function) { f.Timeout = 901 * time.Second }, "Timeout is 901, not from 1 to 900"},
			"memory":      {func(f *function.Function) { f.MemoryMB = 127 }, "MemorySize is 127, not from 128 to 10240"},
			"ephemeral":   {func(f *function.Function) { f.EphemeralMB = 10241 }, "EphemeralStorage.Size is 10241, not from 512 to 10240"},
			"log format":  {func(f *function.Function) { f.LogFormat = "XML" }, `LoggingConfig.LogFormat is neither Text nor JSON`},
			"reserved":    {variables(map[string]string{"AWS_REGION": "x", "_HANDLER": "", "OK": ""}), "environment variables are reserved: AWS_REGION, _HANDLER"},
			"large":       {variables(map[string]string{"LARGE": strings.Repeat("x", 4085)}), "environment variables are too large"},
			"wrong name":  {variables(map[string]string{"A=B": "x"}), `Environment has a variable "A=B": names have a letter and then letters, digits or _`},
			"zero byte":   {variables(map[string]string{"AB": "a\x00b"}), `Environment has a zero byte in variable "AB"`},
			"two letters": {variables(map[string]string{"A": "x"}), `Environment has a variable "A": names have a letter and then letters, digits or _`},
		}
		for _, s := range slices.Sorted(maps.Keys(tests)) {
			f := plain("new")
			tests[s].change(&f)
			if _, err := h.functions.Create(t.Context(), f, code(t, "x")); err == nil || err.Error() != tests[s].want {
				t.Errorf("%s: %v", s, err)
			}
		}
		f := plain("fits")
		f.Environment = map[string]string{"LARGE": strings.Repeat("x", 4084)}
		if _, err := h.functions.Create(t.Context(), f, code(t, "x")); err != nil {
			t.Errorf("4096 bytes: %v", err)
		}
		for s, zip := range map[error][]byte{
			function.ErrNoCode: nil, archive.ErrUnreadable: []byte("no zip"), function.ErrCodeTooLarge: make([]byte, function.MaxZippedBytes+1),
		} {
			if _, err := h.functions.Create(t.Context(), plain("new"), zip); !errors.Is(err, s) {
				t.Errorf("%v: %v", s, err)
			}
		}
		if _, err := h.functions.Get(t.Context(), name("new")); !errors.Is(err, function.ErrNotFound) {
			t.Errorf("after all refusals: %v", err)
		}
	})
}

func TestUpdatePreconditions(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		f := h.active("f")
		if _, err := h.functions.UpdateConfiguration(t.Context(), name("f"), function.ConfigurationUpdate{RevisionID: "old"}); !errors.Is(err, function.ErrRevisionMismatch) {
			t.Errorf("configuration: %v", err)
		}
		if _, err := h.functions.UpdateCode(t.Context(), name("f"), function.CodeUpdate{Zip: code(t, "2"), RevisionID: "old"}); !errors.Is(err, function.ErrRevisionMismatch) {
			t.Errorf("code: %v", err)
		}
		dry, err := h.functions.UpdateCode(t.Context(), name("f"), function.CodeUpdate{Zip: code(t, "2"), RevisionID: f.RevisionID, DryRun: true})
		if err != nil || dry.CodeSize != int64(len(code(t, "2"))) || dry.CodeBlob != sha(code(t, "2")) || dry.RevisionID != f.RevisionID {
			t.Errorf("dry run: %+v %v", dry, err)
		}
		if got := h.get("f"); got.CodeBlob != f.CodeBlob || states(got) != active {
			t.Errorf("after a dry run: %+v", got)
		}
		if _, err := h.functions.UpdateConfiguration(t.Context(), name("f"), function.ConfigurationUpdate{Environment: map[string]string{"AWS_REGION": ""}}); err == nil {
			t.Error("a reserved variable was accepted")
		}
		if _, err := h.functions.UpdateConfiguration(t.Context(), name("none"), function.ConfigurationUpdate{}); !errors.Is(err, function.ErrNotFound) {
			t.Errorf("missing function: %v", err)
		}
	})
}

func TestEnvironmentSentOrNot(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("never")
		f := plain("empty")
		f.Environment = map[string]string{}
		if _, err := h.functions.Create(t.Context(), f, code(t, "x")); err != nil {
			t.Fatal(err)
		}
		h.stop()
		h.open()
		if got := h.get("never").Environment; got != nil {
			t.Errorf("never sent: %v", got)
		}
		if got := h.get("empty").Environment; got == nil {
			t.Error("sent empty: nil")
		}
	})
}

// blobs returns those contents whose archives the store holds.
func (h *house) blobs(contents ...string) (held []string) {
	h.t.Helper()
	for _, c := range contents {
		for entry, err := range h.store.Scan(h.t.Context(), "function-code", "", "") {
			if err != nil {
				h.t.Fatal(err)
			}
			if entry.Key == fmt.Sprintf("%x", sha(code(h.t, c))) {
				blob, err := h.store.OpenBlob(h.t.Context(), sha(code(h.t, c)))
				if err != nil {
					h.t.Fatalf("%s is listed, but: %v", c, err)
				}
				_, _ = io.Copy(io.Discard, blob)
				blob.Close()
				held = append(held, c)
			}
		}
	}
	return held
}

// Code is shared, and goes with its last user.
func TestCodeGoesWithItsLastUser(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		for _, s := range []string{"a", "b"} {
			if _, err := h.functions.Create(t.Context(), plain(s), code(t, "shared")); err != nil {
				t.Fatal(err)
			}
		}
		h.settle()
		h.expect("a", "a")
		if _, err := h.functions.UpdateCode(t.Context(), name("a"), function.CodeUpdate{Zip: code(t, "own")}); err != nil {
			t.Fatal(err)
		}
		if got := h.blobs("shared", "own"); len(got) != 2 {
			t.Errorf("during the update: %v", got)
		}
		h.settle()
		if err := h.functions.Delete(t.Context(), name("a")); err != nil {
			t.Fatal(err)
		}
		h.after(0)
		if got := h.blobs("shared", "own"); !slices.Equal(got, []string{"shared"}) {
			t.Errorf("after the deletion of one: %v", got)
		}
		h.expect("b", "b")
		if err := h.functions.Delete(t.Context(), name("b")); err != nil {
			t.Fatal(err)
		}
		h.after(0)
		if got := h.blobs("shared", "own"); len(got) != 0 {
			t.Errorf("after the deletion of both: %v", got)
		}
		if folders, err := filepath.Glob(filepath.Join(h.config.CodeDir, "run-*", "*")); err != nil || len(folders) != 0 {
			t.Errorf("folders left: %v, %v", folders, err)
		}
		if err := h.functions.Delete(t.Context(), name("b")); !errors.Is(err, function.ErrNotFound) {
			t.Errorf("second deletion: %v", err)
		}
	})
}

// What a crash left between the upload of code and the writing of its function is removed at the next start.
func TestOrphanedCodeIsRemoved(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		h.stop()
		orphan := code(t, "orphan")
		if err := h.store.Commit(t.Context(), store.Write{Table: "function-code", Key: fmt.Sprintf("%x", sha(orphan))}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.store.PutBlob(t.Context(), strings.NewReader(string(orphan)), 1<<20); err != nil {
			t.Fatal(err)
		}
		old := filepath.Join(h.config.CodeDir, "run-of-a-killed-server")
		if err := os.MkdirAll(filepath.Join(old, "code"), 0o700); err != nil {
			t.Fatal(err)
		}
		h.open()
		h.after(0)
		if _, err := h.store.OpenBlob(t.Context(), sha(orphan)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the orphan: %v", err)
		}
		if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the old folder: %v", err)
		}
		h.expect("f", "f")
	})
}

func TestOpenCode(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		blob, size, err := h.functions.OpenCode(t.Context(), ref("f"))
		if err != nil {
			t.Fatal(err)
		}
		defer blob.Close()
		got, err := io.ReadAll(blob)
		if err != nil || string(got) != string(code(t, "f")) || size != int64(len(got)) {
			t.Errorf("%d bytes, %d said, %v", len(got), size, err)
		}
		if _, _, err := h.functions.OpenCode(t.Context(), ref("g")); !errors.Is(err, function.ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestList(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		for _, s := range []string{"c", "a", "b"} {
			h.create(s)
		}
		other := plain("a")
		other.Region = "us-east-1"
		if _, err := h.functions.Create(t.Context(), other, code(t, "x")); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			after string
			limit int
			want  string
		}{{"", 2, "a b true"}, {"b", 2, "c false"}, {"", 3, "a b c false"}, {"c", 5, "false"}} {
			list, more, err := h.functions.List(t.Context(), "123456789012", "eu-west-1", test.after, test.limit)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range list {
				got = append(got, f.Name.Name)
			}
			if text := strings.Join(append(got, fmt.Sprint(more)), " "); text != test.want {
				t.Errorf("after %q: %s, want %s", test.after, text, test.want)
			}
		}
	})
}

func TestParseRef(t *testing.T) {
	for text, want := range map[string]string{
		"f":                         "arn:aws:lambda:eu-west-1:123456789012:function:f",
		"f:$LATEST":                 "arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST",
		"f:7":                       "arn:aws:lambda:eu-west-1:123456789012:function:f:7",
		"123456789012:function:f":   "arn:aws:lambda:eu-west-1:123456789012:function:f",
		"123456789012:function:f:a": "arn:aws:lambda:eu-west-1:123456789012:function:f:a",
		"function:f":                "arn:aws:lambda:eu-west-1:123456789012:function:f",
		"arn:aws:lambda:eu-west-1:123456789012:function:f":         "arn:aws:lambda:eu-west-1:123456789012:function:f",
		"arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST": "arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST",
		"arn:aws:lambda:us-east-1:123456789012:function:f":         "error: function is in us-east-1, not in eu-west-1",
		"arn:aws:lambda:eu-west-1:210987654321:function:f":         "error: function belongs to another account",
		"210987654321:function:f":                                  "error: function belongs to another account",
		"f!":                                                       `error: "f!" does not name a function`,
		"f\n":                                                      `error: "f\n" does not name a function`,
		"":                                                         `error: "" does not name a function`,
		"arn:aws:ec2:eu-west-1:123456789012:function:f": `error: "arn:aws:ec2:eu-west-1:123456789012:function:f" does not name a function`,
	} {
		got, err := function.ParseRef(text, "123456789012", "eu-west-1")
		result := got.ARN()
		if err != nil {
			result = "error: " + err.Error()
		}
		if result != want {
			t.Errorf("%q: %s, want %s", text, result, want)
		}
	}
	r := ref("f")
	if got, err := r.With("$LATEST"); err != nil || got.Qualifier != "$LATEST" || got.InvokedARN() != got.ARN() {
		t.Errorf("%+v %v", got, err)
	}
	if r.InvokedARN() != name("f").ARN()+":$LATEST" {
		t.Error(r.InvokedARN())
	}
	r.Qualifier = "1"
	if _, err := r.With("2"); !errors.Is(err, function.ErrQualifierMismatch) {
		t.Error(err)
	}
}
