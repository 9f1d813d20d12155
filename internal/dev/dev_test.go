package dev_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/millrace/millrace/internal/dev"
	"github.com/millrace/millrace/server"
)

// TestEdits is the whole path of functions in three languages: a record, an edit, the next record by the new code.
func TestEdits(t *testing.T) {
	t.Parallel()
	needs(t, "python3", "node", "curl")
	dir := t.TempDir()
	functions := map[string]struct {
		file string
		code func(word string) string
	}{
		"orders": {"app.py", python},
		"pay":    {"index.mjs", node},
		"ship":   {"bootstrap", shell},
	}
	for name, f := range functions {
		write(t, filepath.Join(dir, name, f.file), f.code("old"))
	}
	s := begin(t, dir)
	for name := range functions {
		s.await(name, "ready: ", 1)
		s.put(name, "first")
	}
	for name, f := range functions {
		s.await(name, "old first", 1)
		write(t, filepath.Join(dir, name, f.file), f.code("new"))
	}
	for name := range functions {
		s.await(name, "new code is live", 1)
		s.put(name, "second")
	}
	for name := range functions {
		s.await(name, "new second", 1)
		s.expect(name, "old first", 1)
		s.expect(name, "new first", 0) // the mapping kept its place
		s.expect(name, "old second", 0)
	}
	s.end()
	again := begin(t, dir)
	for name := range functions {
		again.await(name, "ready: ", 1)
		again.put(name, "third")
	}
	for name := range functions {
		again.await(name, "new third", 1)
		again.expect(name, "new second", 0)
		again.expect(name, "function made", 0)
		again.expect(name, "new code is live", 0) // the same files are the same package
	}
}

// TestBrokenEdit leaves a function with a syntax error: what it says stays to be seen, the batch is tried until it is repaired.
func TestBrokenEdit(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	dir := t.TempDir()
	app := filepath.Join(dir, "orders", "app.py")
	write(t, app, python("old"))
	s := begin(t, dir)
	s.await("orders", "ready: ", 1)
	write(t, app, python("bad")+"def (\n")
	s.await("orders", "new code is live", 1)
	s.put("orders", "first")
	s.await("orders", "[ERROR] Runtime.UserCodeSyntaxError", 2)
	s.await("orders", "\u00a0\u00a0File \""+app+`" Line 6`, 1)
	write(t, app, python("good"))
	s.await("orders", "good first", 1)
	s.put("orders", "second")
	s.await("orders", "good second", 1)
	s.expect("orders", "good first", 1)
}

// TestFolders are added, taken away and put back while it runs; the mapping goes on from its place.
func TestFolders(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	dir, aside := t.TempDir(), t.TempDir()
	s := begin(t, dir)
	s.await("millrace", "there are no folders in", 1)
	orders := filepath.Join(dir, "orders")
	write(t, filepath.Join(orders, "lambda_function.py"), python("one"))
	write(t, filepath.Join(orders, "millrace.json"), `{
		"Handler": "lambda_function.handler",
		"EventSourceMappings": [{"StreamName": "events", "ShardCount": 2, "BatchSize": 7}]
	}`)
	s.await("orders", "stream events made (ShardCount 2)", 1)
	s.await("orders", "ready: ", 1)
	s.put("events", "first")
	s.await("orders", "one first", 1)

	if err := os.Rename(orders, filepath.Join(aside, "orders")); err != nil {
		t.Fatal(err)
	}
	s.await("orders", "mapping of stream events disabled; it keeps its place", 1)
	s.await("orders", "its folder has gone: function deleted", 1)
	s.put("events", "second")

	if err := os.Rename(filepath.Join(aside, "orders"), orders); err != nil {
		t.Fatal(err)
	}
	s.await("orders", "one second", 1)
	s.await("orders", "ready: ", 2)
	s.expect("orders", "one first", 1)

	// It goes while nobody looks.
	s.end()
	if err := os.RemoveAll(orders); err != nil {
		t.Fatal(err)
	}
	again := begin(t, dir, func(o *dev.Options) { o.Debug = []string{"orders"} })
	again.await("orders", "there is no such folder to debug yet", 1)
	again.await("orders", "its folder has gone: function deleted", 1)
}

// TestSettings follows the file of settings, and tells what is wrong in which line while the function stays.
func TestSettings(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	dir := t.TempDir()
	orders := filepath.Join(dir, "orders")
	write(t, filepath.Join(orders, "app.py"), `import os

def handler(event, context):
    print(os.environ.get("GREETING"), context.get_remaining_time_in_millis() > 20000, len(event["Records"]))
`)
	s := begin(t, dir)
	s.await("orders", "ready: ", 1)
	s.put("orders", "x")
	s.await("orders", "None False 1", 1)

	settings := filepath.Join(orders, "millrace.json")
	write(t, settings, "{\n  \"Timeout\": 30,\n  \"Enviroment\": {}\n}")
	s.await("orders", "millrace.json:3: there is no setting Enviroment", 1)
	s.await("orders", "the function stays as it was", 1)
	write(t, settings, "{\n  \"Timeout\": 30000\n}")
	s.await("orders", "UpdateFunctionConfiguration: ", 1)
	write(t, settings, `{"Timeout": 30, "Environment": {"Variables": {"GREETING": "hello"}}, "EventSourceMappings": [{"StreamName": "orders", "BatchSize": 3}]}`)
	s.await("orders", "settings are live", 1)
	s.await("orders", "mapping of stream orders updated (enabled)", 1)
	s.put("orders", "y")
	s.await("orders", "hello True 1", 1)
	write(t, settings, `{"EventSourceMappings": []}`)
	s.await("orders", "mapping of stream orders disabled", 1)
}

// TestGoFolder builds a program, and tells what the compiler says.
func TestGoFolder(t *testing.T) {
	t.Parallel()
	needs(t, "go", "curl")
	dir := t.TempDir()
	main := filepath.Join(dir, "ship", "main.go")
	write(t, filepath.Join(dir, "ship", "go.mod"), "module ship\n\ngo 1.26\n")
	write(t, main, "package main\n\nfunc main() { nothing() }\n")
	s := begin(t, dir)
	s.await("ship", "go build: exit status 1", 1)
	s.await("ship", "./main.go:3:15: undefined: nothing", 1)
	write(t, main, golang("built"))
	s.await("ship", "ready: provided.al2023", 1)
	s.put("ship", "first")
	s.await("ship", "built first", 1)
	s.end()

	// A debugger finds the sources.
	where := "_, file, _, _ := runtime.Caller(0)\n\tprintln(\"source\", file)\n\tpanic("
	write(t, main, strings.NewReplacer("panic(", where, `"os"`, "\"os\"\n\t\"runtime\"").Replace(golang("built")))
	again := begin(t, dir, func(o *dev.Options) { o.Debug = []string{"ship"} })
	again.await("ship", "ready: provided.al2023", 1)
	again.put("ship", "second")
	again.await("ship", "source "+main, 1)
	again.end()
}

// TestDebuggers are let in: of Node.js by itself, of Python by a stand-in for debugpy in the folder. Both may take their time.
func TestDebuggers(t *testing.T) {
	t.Parallel()
	needs(t, "python3", "node")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "orders", "app.py"), `def handler(event, context):
    print("left", context.get_remaining_time_in_millis() > 600000)
`)
	write(t, filepath.Join(dir, "orders", "debugpy", "__init__.py"), "")
	write(t, filepath.Join(dir, "orders", "debugpy", "__main__.py"), `import runpy, sys

print("debugpy", sys.argv[1:-1])
runpy.run_path(sys.argv[-1], run_name="__main__")
`)
	write(t, filepath.Join(dir, "pay", "index.mjs"), node("node"))
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, dir, func(o *dev.Options) { o.Debug = []string{"orders", "pay=" + port} })
	s.await("orders", "debugging: it waits for a debugger (debugpy) at 127.0.0.1:5678", 1)
	for _, name := range []string{"orders", "pay"} {
		s.await(name, "ready: ", 1)
		s.put(name, "first")
	}
	s.await("orders", "debugpy ['--listen', '127.0.0.1:5678', '--wait-for-client']", 1)
	s.await("orders", "left True", 1)
	s.await("pay", "Debugger listening on ws://"+address+"/", 1)
	s.await("pay", "node first", 1)
	inspector := http.Client{Timeout: 10 * time.Second}
	for begun := time.Now(); time.Since(begun) < 200*time.Millisecond; { // longer than it takes until an idle function is frozen
		answer, err := inspector.Get("http://" + address + "/json/version")
		if err != nil {
			t.Fatalf("between invocations: %v", err)
		}
		answer.Body.Close()
	}
	if n := s.reserved("orders"); n != 1 {
		t.Errorf("%d instances may be looked at", n)
	}
	s.end()

	// Without the flag everything is as before.
	again := begin(t, dir)
	again.await("orders", "settings are live", 1)
	again.await("orders", "ready: ", 1)
	again.put("orders", "second")
	again.await("orders", "left False", 1)
	again.expect("orders", "debugpy", 0)
	if n := again.reserved("orders"); n != 0 {
		t.Errorf("%d are still reserved", n)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	for wanted, o := range map[string]dev.Options{
		"is not a folder":               {Dir: filepath.Join(dir, "file")},
		"no such file":                  {Dir: filepath.Join(dir, "none")},
		`"70000" is not a port`:         {Dir: dir, Debug: []string{"a=70000"}},
		`is not the name of a function`: {Dir: dir, Debug: []string{"a b"}},
	} {
		if err := dev.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%v, not %s", err, wanted)
		}
	}
}

// TestWhatIsNotOurs is left alone: a folder that cannot be a function's, one without a function, and a function that others made.
func TestWhatIsNotOurs(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a b", "app.py"), python("x"))
	write(t, filepath.Join(dir, "notes", "README"), "")
	s := begin(t, dir, func(o *dev.Options) { o.Server.Memory = true })
	s.await("a b", "its name cannot be a function's", 1)
	s.await("notes", "no function: it holds no app.py", 1)

	_, err := s.lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("theirs"), Role: aws.String("arn:aws:iam::000000000000:role/any"),
		Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Code: &types.FunctionCode{ZipFile: anyZip(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "theirs", "app.py"), python("x"))
	s.await("theirs", "there is a function of this name that millrace dev did not make", 1)
	for _, name := range []string{"theirs", "a b"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "z", "README"), "") // looked at behind them
	s.await("z", "no function", 1)
	if _, err := s.lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("theirs")}); err != nil {
		t.Error(err)
	}
}

// TestSigned serves callers who sign with a known key, as dev itself does.
func TestSigned(t *testing.T) {
	needs(t, "python3")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "orders", "app.py"), python("x"))
	s := begin(t, dir, func(o *dev.Options) { o.Server.Auth, o.Server.Memory = server.AuthSigned, true })
	s.await("orders", "ready: ", 1)
}
