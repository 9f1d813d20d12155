package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestIdentityClients walks through IAM and STS with boto3, signed with the key that the server has written to its data
// folder, before and after it was killed.
func TestIdentityClients(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("boto3 is not there: %v", err)
		}
		t.Skipf("boto3 is not there: %v", err)
	}
	h := newHouse(t)
	h.flags = append(h.flags, "--auth", "iam")
	h.start()
	file := filepath.Join(h.dir, "data", "credentials")
	run := func(arg ...string) {
		t.Helper()
		command := exec.Command(python, arg...)
		command.Dir = "../../clients/python"
		command.Env = append(os.Environ(), "AWS_SHARED_CREDENTIALS_FILE="+file, "AWS_EC2_METADATA_DISABLED=true")
		if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "walked") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	run("identity.py", h.url)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	h.kill()
	h.start()
	run("-c", `
import boto3
iam = boto3.client("iam", endpoint_url="`+h.url+`", region_name="us-east-1")
assert [u["UserName"] for u in iam.list_users()["Users"]] == ["ann", "page-a", "page-b", "page-c"]
assert iam.list_attached_user_policies(UserName="ann")["AttachedPolicies"][0]["PolicyName"] == "streams"
print("walked")
`)
	h.stop()
	text, err := os.ReadFile(h.log)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(string(keys), "aws_secret_access_key = ")
	if secret, _, _ = strings.Cut(secret, "\n"); secret == "" || strings.Contains(string(text), secret) {
		t.Error("the secret is in the log, or nowhere")
	}
}
