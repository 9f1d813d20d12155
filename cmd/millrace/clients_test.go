package main

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestClients walks through a server with SDKs in other languages. A client that is not installed is skipped, unless CI
// asks: there all must be.
func TestClients(t *testing.T) {
	boto3 := func() error { return exec.Command("/usr/bin/python3", "-c", "import boto3").Run() }
	javascript := func() error { return node20("../../clients/js/node_modules") }
	for _, c := range []struct {
		name  string
		there func() error
		walk  []string
	}{
		{"boto3", boto3, []string{"/usr/bin/python3", "python/walk.py"}},
		{"javascript", javascript, []string{"node", "js/walk.mjs"}},
		{"boto3 fan-out", boto3, []string{"/usr/bin/python3", "python/fanout.py"}},
		{"javascript fan-out", javascript, []string{"node", "js/fanout.mjs"}},
		{"boto3 versions", boto3, []string{"/usr/bin/python3", "python/versions.py"}},
		{"boto3 topics", boto3, []string{"/usr/bin/python3", "python/topics.py"}},
		{"boto3 events and layers", boto3, []string{"/usr/bin/python3", "python/events.py"}},
		{"boto3 resharding", boto3, []string{"/usr/bin/python3", "python/reshard.py"}},
		{"javascript resharding", javascript, []string{"node", "js/reshard.mjs"}},
		{"lifion-kinesis", func() error { return node20("../../clients/lifion/node_modules") }, []string{"node", "lifion/consume.mjs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.there(); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatalf("the client is not there: %v", err)
				}
				t.Skipf("the client is not there: %v", err)
			}
			h := newHouse(t)
			h.start()
			walk := exec.Command(c.walk[0], c.walk[1], h.url)
			if handler := filepath.Join("../../clients", filepath.Dir(c.walk[1]), "handler"); strings.Contains(c.walk[1], "/walk.") {
				archive := filepath.Join(h.dir, "handler.zip")
				zipFolder(t, archive, handler)
				walk.Args = append(walk.Args, archive)
			}
			walk.Dir = "../../clients"
			out, err := walk.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "walked") {
				t.Errorf("%v\n%s", err, out)
			}
			h.stop()
		})
	}
}

// TestPresignedClients walks over presigned URLs as boto3 and AWS's command line make them by default.
func TestPresignedClients(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("boto3 is not there: %v", err)
		}
		t.Skipf("boto3 is not there: %v", err)
	}
	const key, secret = "AKIAROOTROOTROOTROOT", "a-secret-that-only-the-root-knows-0123456"
	for _, mode := range []string{"open", "iam"} {
		h := newHouse(t)
		h.flags = append(h.flags, "--auth", mode)
		h.env = append(h.env, "MILLRACE_ROOT_ACCESS_KEY_ID="+key, "MILLRACE_ROOT_SECRET_ACCESS_KEY="+secret)
		h.start()
		walk := exec.Command(python, "presigned.py", h.url, mode, key, secret)
		walk.Dir = "../../clients/python"
		if out, err := walk.CombinedOutput(); err != nil || !strings.Contains(string(out), "walked") {
			t.Errorf("%s: %v\n%s", mode, err, out)
		}
		h.stop()
	}
}

// node20 checks for the modules and the interpreter that the walk deploys its function on.
func node20(modules string) error {
	if _, err := os.Stat(modules); err != nil {
		return err
	}
	return exec.Command("node", "--version").Run()
}

func zipFolder(t *testing.T, archive, folder string) {
	t.Helper()
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	if err := w.AddFS(os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
