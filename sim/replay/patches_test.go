package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

// TestPatchesFit finds out when another version of Go wants other changes.
func TestPatchesFit(t *testing.T) {
	goroot, err := exec.CommandContext(context.Background(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := overlay(strings.TrimSpace(string(goroot)), t.TempDir()); err != nil {
		t.Fatal(err)
	}
}

// TestReadTally reads what package sim prints.
func TestReadTally(t *testing.T) {
	sum := tally{}
	for _, printed := range []string{
		"=== RUN   TestSim\ntally: {\"Seeds\":1,\"Lives\":3,\"Took\":2000000000,\"Trace\":\"0123\"}\n--- PASS\n",
		"tally: {\"Seeds\":1,\"Lives\":4,\"Took\":1000000000,\"Trace\":\"4567\"}\n",
	} {
		one, err := readTally(printed)
		if err != nil {
			t.Fatal(err)
		}
		sum.add(one)
	}
	if sum.Seeds != 2 || sum.Lives != 7 || sum.Took.Seconds() != 3 {
		t.Errorf("the sum is %+v", sum)
	}
	if _, err := readTally("--- FAIL"); err == nil {
		t.Error("a seed that said nothing has a tally")
	}
}
