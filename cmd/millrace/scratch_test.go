package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A server in memory that is killed leaves its temporary folder, which the next one removes, and not one that is in use.
func TestFolderOfKilledServer(t *testing.T) {
	place := t.TempDir()
	start := func() *exec.Cmd {
		server := exec.Command(program, "up", "--memory", "--listen", "127.0.0.1:0")
		server.Env = append(os.Environ(), "TMPDIR="+place)
		log, err := server.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = server.Process.Kill()
			_ = server.Wait()
		})
		lines := bufio.NewScanner(log)
		for lines.Scan() && !strings.Contains(lines.Text(), "millrace is ready") {
		}
		return server
	}
	folders := func() []string {
		found, err := filepath.Glob(filepath.Join(place, "millrace-memory-*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	killed := start()
	left := folders()
	start() // goes on
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	if len(left) != 1 || len(folders()) != 2 {
		t.Fatalf("%v, and then %v", left, folders())
	}
	start()
	if got := folders(); len(got) != 2 || got[0] == left[0] || got[1] == left[0] {
		t.Errorf("%v with %s of the killed one", got, left[0])
	}
}
