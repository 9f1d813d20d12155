package process_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Processes are named as they are where they run: by their number there and their namespace of numbers.

// readProcesses returns the processes in a file that a function wrote.
func readProcesses(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// expectGone waits until processes have ended. The child of a killed process ends by itself, but somebody has to reap
// it, and where nobody does it stays a zombie.
func expectGone(t *testing.T, processes ...string) {
	t.Helper()
	if len(processes) == 0 {
		t.Fatal("no processes")
	}
	for _, name := range processes {
		eventually(t, func() bool { return hostPID(name) == 0 })
	}
}

// hostPID returns the number by which this process knows one that runs, or 0 when there is none. A zombie does not run.
func hostPID(name string) int {
	inside, namespace, _ := strings.Cut(name, "@")
	if namespace == "" { // the system has none
		pid, err := strconv.Atoi(inside)
		if err != nil || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return 0
		}
		return pid
	}
	links, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		panic(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err != nil || to != namespace {
			continue
		}
		dir := filepath.Dir(filepath.Dir(link))
		status, err := os.ReadFile(filepath.Join(dir, "status"))
		if err != nil || strings.Contains(string(status), "\nState:\tZ") {
			continue
		}
		_, numbers, _ := strings.Cut(string(status), "\nNSpid:")
		numbers, _, _ = strings.Cut(numbers, "\n")
		all := strings.Fields(numbers)
		if len(all) > 0 && all[len(all)-1] == inside {
			pid, err := strconv.Atoi(filepath.Base(dir))
			if err == nil {
				return pid
			}
		}
	}
	return 0
}
