package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// measureStart starts this program's server as a process of its own in an empty folder, takes the time until it answers,
// and looks at its memory once it does.
func measureStart(ctx context.Context, _ Options, dir string, r *Report) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	begun := time.Now()
	server := exec.CommandContext(ctx, program, "up", "--listen", address, "--data-dir", dir)
	if err := server.Start(); err != nil {
		return err
	}
	err = untilHealthy(ctx, "http://"+address+"/_millrace/health")
	r.StartMillis = float64(time.Since(begun).Microseconds()) / 1000
	if err == nil {
		r.IdleRSS, err = residentBytes(server.Process.Pid)
	}
	return errors.Join(err, server.Process.Signal(os.Interrupt), server.Wait())
}

// freeAddress returns a loopback address that nothing listens on at this moment.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// untilHealthy asks every millisecond, for at most ten seconds.
func untilHealthy(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// residentBytes returns the resident memory of a process, or 0 where the system does not tell through /proc.
func residentBytes(pid int) (int64, error) { return memoryOf(pid, "VmRSS:") }

// memoryOf returns a figure of a process's memory, in bytes, under the name that /proc has for it.
func memoryOf(pid int, name string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[0] == name {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, nil
}

// cpuModel names the processor, "" where the system does not tell through /proc.
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, after, found := strings.Cut(string(info), "model name")
	if !found {
		return ""
	}
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(strings.TrimLeft(line, "\t :"))
}
