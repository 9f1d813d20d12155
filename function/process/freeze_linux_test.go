package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

// frozen reports whether a process is stopped, or waits for a child that was stopped on the way from vfork to exec: until
// the child gets there its parent cannot take the signal.
func frozen(t testing.TB, name string) bool {
	t.Helper()
	pid := hostPID(name)
	switch state(pid) {
	case "T":
		return true
	case "D":
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
		if err != nil {
			return false
		}
		for _, child := range strings.Fields(string(children)) {
			if number, err := strconv.Atoi(child); err == nil && state(number) == "T" {
				return true
			}
		}
	}
	return false
}

// state returns the letter that the kernel has for what a process does; empty when there is no such process.
func state(pid int) string {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(status), "\nState:\t")
	letter, _, _ := strings.Cut(rest, " ")
	return letter
}

// Between invocations nothing of a function goes on: no timer, no child. With the next invocation all does.
func TestFrozenBetweenInvocations(t *testing.T) {
	h := open(t)
	h.gobootstrap("f", timeout(4*time.Second))
	file := filepath.Join(exchange(t), "ticks")
	for i := range 3 {
		if i == 0 {
			h.invoke("f", fmt.Sprintf(`{"Do":"tick","Text":%q}`, file))
		} else if again := h.expect("f", `{"then":1}`, "", `{"then":1}`); again.Cold {
			t.Error("a frozen instance was not used again")
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(string(text), "\n")
		eventually(t, func() bool { return frozen(t, name) })
		before, after := size(t, file), size(t, file)
		if before != after {
			t.Errorf("it wrote on: %d, then %d bytes", before, after)
		}
	}
	// It can be stopped and woken by its own timeout, too.
	h.expect("f", `{"Do":"wait","Text":"/never"}`, "Unhandled",
		`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: req-1 Error: Task timed out after 4.00 seconds"}`)
}

func TestChildrenAreFrozen(t *testing.T) {
	h := open(t)
	// The child has a session of its own, and its parent has gone.
	h.deploy("f", "provided.al2", "h", files{"bootstrap*": strings.Replace(echoBootstrap, "event=",
		"(setsid sh -c 'echo $$@$(readlink /proc/self/ns/pid) >"+"$0; while :; do sleep 0.01; done' $MARK &); until [ -s $MARK ]; do sleep 0.01; done\nevent=", 1)},
		func(f *function.Function) {
			f.Environment = map[string]string{"MARK": filepath.Join(exchange(t), "child")}
		})
	f := h.settled("f")
	if !isolated(t) {
		t.Skip("who has left its parent is found in a sandbox only")
	}
	h.expect("f", `1`, "", `{"shell":1}`)
	text, err := os.ReadFile(f.Environment["MARK"])
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return frozen(t, strings.TrimSpace(string(text))) })
	h.stop()
	expectGone(t, strings.TrimSpace(string(text)))
}

func TestNeverFrozen(t *testing.T) {
	h := open(t, func(_ *function.Config, p *process.Config) { p.NeverFreeze = true })
	h.gobootstrap("f")
	file := filepath.Join(exchange(t), "ticks")
	h.invoke("f", fmt.Sprintf(`{"Do":"tick","Text":%q}`, file))
	begun := size(t, file)
	eventually(t, func() bool { return size(t, file) > begun+300 }) // it would have been frozen long before
}

func size(t testing.TB, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// BenchmarkThaw measures an invocation of an instance that was frozen.
func BenchmarkThaw(b *testing.B) {
	h := open(b)
	h.gobootstrap("f")
	var name string
	decode(b, h.invoke("f", `{"Do":"pid"}`).Payload, &name)
	for b.Loop() {
		b.StopTimer()
		eventually(b, func() bool { return frozen(b, name) })
		b.StartTimer()
		h.invoke("f", `{}`)
	}
}
