package main

import (
	"os"
	"testing"
)

// TestProgramIsSmall holds the program to what its users download: 40 MB were promised, with an engine in it that is yet to come.
func TestProgramIsSmall(t *testing.T) {
	const most = 36_000_000 // bytes
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > most {
		t.Errorf("the program has %d bytes, more than %d: what has come to be linked, and does it keep methods that nobody calls?", info.Size(), most)
	}
	t.Logf("%d bytes", info.Size())
}
