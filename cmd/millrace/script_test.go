package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the stories in testdata/script: the program as its users call it, with the real aws CLI.
func TestScripts(t *testing.T) {
	t.Setenv("GOTMPDIR", t.TempDir()) // where testscript works; it leaves its folder when not all scripts are run
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			address := freeAddress(t)
			env.Setenv("ADDRESS", address)
			env.Setenv("URL", "http://"+address)
			env.Setenv("AWS_ACCESS_KEY_ID", "test")
			env.Setenv("AWS_SECRET_ACCESS_KEY", "test")
			env.Setenv("AWS_DEFAULT_REGION", "us-east-1")
			env.Setenv("AWS_PAGER", "")
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			// The program, and Debian's clients, whatever else is installed.
			env.Setenv("PATH", filepath.Dir(program)+":/usr/bin:"+env.Getenv("PATH"))
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "awscli" {
				_, err := os.Stat("/usr/bin/aws")
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"healthy": scriptHealthy,
			"retry":   scriptRetry,
			"capture": scriptCapture,
		},
	})
}

// scriptHealthy waits until the server of the script answers.
func scriptHealthy(ts *testscript.TestScript, _ bool, _ []string) {
	if err := untilHealthy(ts.Getenv("URL")); err != nil {
		ts.Fatalf("%v", err)
	}
}

// scriptRetry runs a command until what it prints holds a text, for at most 30 s: retry TEXT COMMAND ARG…
func scriptRetry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: retry TEXT COMMAND ARG…")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := poll(ctx, func() (bool, error) { return runsWith(ts, args[0], args[1:]), nil }); err != nil {
		ts.Fatalf("%v never printed %q", args[1:], args[0])
	}
}

// scriptCapture puts what the last command printed into a variable: capture NAME.
func scriptCapture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: capture NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// runsWith reports whether a command, run in the script's folder and environment, succeeds and prints the text.
func runsWith(ts *testscript.TestScript, text string, args []string) bool {
	program, err := lookPath(args[0], ts.Getenv("PATH"))
	ts.Check(err)
	command := exec.Command(program, args[1:]...)
	command.Dir = ts.Getenv("WORK")
	for _, name := range []string{
		"PATH", "HOME", "URL", "ADDRESS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION",
		"AWS_PAGER", "AWS_EC2_METADATA_DISABLED", "AWS_SHARED_CREDENTIALS_FILE",
	} {
		command.Env = append(command.Env, name+"="+ts.Getenv(name))
	}
	out, err := command.CombinedOutput()
	return err == nil && strings.Contains(string(out), text)
}

// lookPath finds a program on the script's own PATH.
func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			return file, nil
		}
	}
	return exec.LookPath(name)
}
