package process_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
	"github.com/millrace/millrace/function/process/sandbox"
)

// behindWalls opens a house whose functions must be isolated and share nothing with the host.
func behindWalls(t *testing.T, options ...option) *house {
	t.Helper()
	if err := sandbox.Probe(t.Context(), t.TempDir()); err != nil {
		t.Skipf("this host does not let functions be isolated: %v", err)
	}
	walls := func(_ *function.Config, p *process.Config) { p.Isolation, p.Shared = process.Required, nil }
	return open(t, append([]option{walls}, options...)...)
}

// hostile deploys the function that attacks.
func (h *house) hostile(name string, change ...func(*function.Function)) {
	h.t.Helper()
	h.deploy(name, "provided.al2023", "any", files{"bootstrap*": "@" + filepath.Join(programs, "hostile"), "own": "mine"}, change...)
}

// answer runs an attack and returns what the attacker says of it.
func (h *house) answer(name, do, text string) (got string) {
	h.t.Helper()
	result := h.invoke(name, fmt.Sprintf(`{"Do":%q,"Text":%q}`, do, text))
	if result.FunctionError != "" {
		h.t.Fatalf("%s: %s\nlog: %s", do, result.Payload, result.LogTail)
	}
	decode(h.t, result.Payload, &got)
	return got
}

// What is the server's cannot be read, and what is not the function's own cannot be written.
func TestFilesBehindTheWall(t *testing.T) {
	h := behindWalls(t)
	h.hostile("f")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(h.code, "run-*", "*"))
	if err != nil || len(folders) != 1 {
		t.Fatal(folders, err)
	}
	for _, path := range []string{secret, h.code, folders[0], home, "/root", "/home", "/etc/shadow", "/sys", "/run", "/proc/1/environ", "/proc/1/cwd/", "/proc/1/root/", "/proc/1/mem", "/proc/1/fd"} {
		if got := h.answer("f", "read", path); !strings.Contains(got, "no such file") && !strings.Contains(got, "permission denied") {
			t.Errorf("read %s: %s", path, got)
		}
	}
	for _, path := range []string{"/var/task/own", "/var/task/new", "/var/runtime/new", "/opt/new", "/usr/new", "/etc/passwd", "/new", "/dev/new", "/proc/sys/kernel/core_pattern"} {
		if got := h.answer("f", "write", path); got == "done" {
			t.Errorf("write %s: %s", path, got)
		}
	}
	if got := h.answer("f", "read", "/var/task/own"); got != "mine" {
		t.Errorf("its own code: %s", got)
	}
	if got := h.answer("f", "write", "/tmp/new"); got != "done" {
		t.Errorf("write /tmp: %s", got)
	}
	h.hostile("other")
	if got := h.answer("other", "read", "/tmp/new"); !strings.Contains(got, "no such file") {
		t.Errorf("another's /tmp: %s", got)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(h.code), "root", "*")); err != nil || len(left) != 0 {
		t.Errorf("the place of the file tree shows %v, %v", left, err)
	}
}

// The server's variables are nowhere to be found, and no process but the function's own.
func TestProcessesBehindTheWall(t *testing.T) {
	t.Setenv("SERVER_SECRET", "must not be seen")
	h := behindWalls(t)
	h.hostile("f")
	if got := h.answer("f", "processes", ""); strings.Contains(got, "must not be seen") || strings.Count(got, "\n") > 3 {
		t.Errorf("processes: %s", got)
	}
	for do, want := range map[string]string{
		"calls": "", "ptrace": "operation not permitted", "mount": "operation not permitted", "unshare": "operation not permitted",
		"capabilities": "CapEff:\t0000000000000000 CapBnd:\t0000000000000000 NoNewPrivs:\t1 Seccomp:\t2",
	} {
		if got := h.answer("f", do, ""); got != want {
			t.Errorf("%s: %s", do, got)
		}
	}
	// Killing everyone it can see does not reach the server, nor what watches over it.
	if got := h.answer("f", "kill", ""); got != "killed" {
		t.Errorf("kill: %s", got)
	}
	h.answer("f", "processes", "")
}

// A function may have no more than 1024 processes, and has them without anybody else's noticing.
func TestFunctionThatForksForEver(t *testing.T) {
	h := behindWalls(t)
	h.hostile("f", timeout(10*time.Second))
	if got := h.answer("f", "fork", ""); !strings.Contains(got, "resource temporarily unavailable") {
		t.Errorf("fork: %s", got)
	}
	h.hostile("other")
	if got := h.answer("other", "processes", ""); strings.Count(got, "\n") > 3 {
		t.Errorf("another function sees %s", got)
	}
}

func TestFunctionThatFillsItsDisk(t *testing.T) {
	h := behindWalls(t)
	h.hostile("f")
	if got := h.answer("f", "fill", "/tmp/file"); got != "no space left on device after 512 MB" {
		t.Errorf("fill: %s", got)
	}
}

// More memory than the function has ends it, whatever kind of memory it is.
func TestFunctionThatFillsMemory(t *testing.T) {
	h := behindWalls(t)
	h.hostile("f", timeout(20*time.Second))
	for _, do := range []string{"memory", "sharedmemory", "childmemory"} {
		result := h.invoke("f", fmt.Sprintf(`{"Do":%q}`, do))
		want := `{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: req-1 Error: Runtime exited with error: signal: killed"}`
		if result.FunctionError != "Unhandled" || string(result.Payload) != want {
			t.Errorf("%s: %q %s", do, result.FunctionError, result.Payload)
		}
		h.answer("f", "processes", "")
	}
}

// What a function leaves running, in a session of its own and without a parent, ends with its instance.
func TestBackgroundProcessEndsWithItsInstance(t *testing.T) {
	h := behindWalls(t)
	h.hostile("f", timeout(4*time.Second))
	left := h.answer("f", "background", "")
	if hostPID(left) == 0 {
		t.Fatalf("%s does not run", left)
	}
	result := h.invoke("f", `{"Do":"hang"}`)
	if !strings.Contains(string(result.Payload), "Sandbox.Timedout") {
		t.Errorf("hang: %s", result.Payload)
	}
	expectGone(t, left)
	left = h.answer("f", "background", "")
	h.stop()
	expectGone(t, left)
}

func TestFunctionThatWritesAnEndlessLine(t *testing.T) {
	h := behindWalls(t)
	h.gobootstrap("f")
	if result := h.expect("f", `{"Do":"longline","Number":100}`, "", `null`); len(result.LogTail) > 4096 {
		t.Errorf("%d bytes of log", len(result.LogTail))
	}
}

// Without isolation the same function sees what the server sees: these tests would notice if the walls were painted on.
func TestNoWalls(t *testing.T) {
	h := open(t, func(_ *function.Config, p *process.Config) { p.Isolation = process.Off })
	h.hostile("f")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := h.answer("f", "read", secret); got != "secret" {
		t.Errorf("read: %s", got)
	}
	h.hostile("victim")
	if got := h.answer("f", "intrude", h.answer("victim", "api", "")); !strings.Contains(got, "/ping 200, ") {
		t.Errorf("intrude: %s", got)
	}
}

// The Runtime API of an instance is its own: no other function can take its work or answer for it, although all share the host's
// loopback; neither can whoever else is on the host. With a shared folder both functions have the same user id on the host.
func TestRuntimeAPIBehindTheWall(t *testing.T) {
	for name, shared := range map[string][]string{"users of their own": nil, "one user": {t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			h := behindWalls(t, func(_ *function.Config, p *process.Config) { p.Shared = shared })
			h.hostile("victim")
			h.hostile("f")
			api := h.answer("victim", "api", "")
			if got := h.answer("f", "intrude", api); got != "" {
				t.Errorf("another function: %s", got)
			}
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			if answer, err := client.Get("http://" + api + "/2018-06-01/ping"); err == nil {
				answer.Body.Close()
				t.Errorf("a process of the host: %s", answer.Status)
			}
			if got := h.answer("victim", "ping", api); got != "done" {
				t.Errorf("itself: %s", got)
			}
			if got := h.answer("victim", "api", ""); got != api {
				t.Errorf("the instance at %s was replaced by one at %s", api, got)
			}
		})
	}
}

// There are no sockets but those that functions use, nothing of the server's is open, and what listens on the host under a
// name without a file cannot be reached.
func TestSocketsBehindTheWall(t *testing.T) {
	h := behindWalls(t)
	h.hostile("f")
	// UNIX, INET, INET6 and NETLINK_ROUTE.
	if got := h.answer("f", "sockets", ""); got != "1/0 10/0 16/0 2/0" {
		t.Errorf("sockets: %s", got)
	}
	// The server may have been started with files that it does not know of.
	inherited, err := os.OpenFile(filepath.Join(t.TempDir(), "inherited"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	for range 8 {
		fd, err := syscall.Dup(int(inherited.Fd())) // open in new programs too
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fd)
	}
	h.hostile("f2")
	if got := h.answer("f2", "files", ""); got != "/dev/null pipe socket" {
		t.Errorf("files: %s", got)
	}
	name := fmt.Sprintf("@%s-%d", t.Name(), os.Getpid())
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := h.answer("f", "dial", name); !strings.Contains(got, "operation not permitted") && sandbox.HidesAbstractSockets() {
		t.Errorf("dial %s: %s", name, got)
	}
	open := open(t, func(_ *function.Config, p *process.Config) { p.Isolation = process.Off })
	open.hostile("f")
	if got := open.answer("f", "dial", name); got != "done" {
		t.Errorf("without walls: %s", got)
	}
	if got := open.answer("f", "calls", ""); !strings.Contains(got, "bpf: ") {
		t.Errorf("calls without walls: %s", got)
	}
	if got := open.answer("f", "sockets", ""); !strings.Contains(got, "16/4") {
		t.Errorf("sockets without walls: %s", got)
	}
}

// The walls of a server that is not root's stand as well. Its functions have its own user id.
func TestWallsOfOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the other tests are of an ordinary user")
	}
	place, err := os.MkdirTemp("", "ordinary-") // not t.TempDir, which only its owner may enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(place)
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	ordinary := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	try := exec.Command("unshare", "--user", "true")
	try.SysProcAttr = ordinary
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("an ordinary user cannot have namespaces on this host: %v %s", err, out)
	}
	program := filepath.Join(place, "program")
	err = errors.Join(os.WriteFile(program, binary, 0o600), os.Chmod(program, 0o755), os.Chown(place, 65534, 65534)) //nolint:gosec // to be run
	if err != nil {
		t.Fatal(err)
	}
	test := exec.Command(program, "-test.v", "-test.run", "^(TestFilesBehindTheWall|TestProcessesBehindTheWall|TestRuntimeAPIBehindTheWall|TestSocketsBehindTheWall)$")
	test.Dir = place
	test.Env = []string{programsVariable + "=" + programs, "TMPDIR=" + place, "HOME=" + place, "PATH=" + os.Getenv("PATH")}
	test.SysProcAttr = ordinary
	if out, err := test.CombinedOutput(); err != nil || strings.Contains(string(out), "--- SKIP") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Services of the host's loopback can be reached.
func TestLoopbackIsShared(t *testing.T) {
	h := behindWalls(t)
	h.hostile("f")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := h.answer("f", "dial", l.Addr().String()); got != "done" {
		t.Errorf("dial: %s", got)
	}
}

// A folder that would hide what is a sandbox's own, or be hidden by it, cannot be shared.
func TestSharedFoldersInTheWay(t *testing.T) {
	for path, refused := range map[string]bool{"/proc": true, "/proc/self": true, "/dev": true, "/var": true, "/opt": true, "/usr": false, "/tmp": false} {
		_, err := process.New(process.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Shared: []string{path + ":ro"}})
		if got := err != nil && strings.Contains(err.Error(), "of their own"); got != refused {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// BenchmarkColdStart measures the start of an instance, with a sandbox and without.
func BenchmarkColdStart(b *testing.B) {
	for _, isolation := range []process.Isolation{process.Off, process.Required} {
		b.Run(string(isolation), func(b *testing.B) {
			if err := sandbox.Probe(b.Context(), b.TempDir()); isolation == process.Required && err != nil {
				b.Skip(err)
			}
			h := open(b, func(_ *function.Config, p *process.Config) { p.Isolation, p.Shared = isolation, nil })
			h.deploy("f", "provided.al2", "h", files{"bootstrap*": "#!/bin/sh\nexit 1\n"})
			for b.Loop() { // an instance that ends at once: the next invocation starts another
				h.invoke("f", "1")
			}
		})
	}
}
