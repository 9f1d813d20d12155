package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

var instances = flag.Int("instances", 12, "how many instances TestManyInstances starts")

// TestManyInstances starts instances of a function that does nothing but wait, and looks at what they cost the server, and the
// machine, once they are idle. `go test ./cmd/millrace -run TestManyInstances -instances 500 -v` tells of many.
func TestManyInstances(t *testing.T) {
	h := newHouse(t)
	h.flags = append(h.flags, "--max-instances", strconv.Itoa(*instances))
	h.start()
	waiting, err := net.Listen("tcp", "127.0.0.1:0")
	h.check(err)
	defer waiting.Close()
	h.deployWaiting(waiting.Addr().String())
	h.invokeAtOnce(waiting, 1) // what the first costs does not count
	before := h.gauges()
	begun := time.Now()
	h.invokeAtOnce(waiting, *instances)
	t.Logf("%d instances at once, %s until all of them ran", *instances, time.Since(begun).Round(time.Millisecond))
	after := h.gauges()

	n := float64(*instances - 1)
	each := func(name string) float64 { return (after[name] - before[name]) / n }
	t.Logf("each costs the server %.1f goroutines, %.1f KiB of stacks, %.1f KiB of heap, %.1f KiB resident", each("go_goroutines"),
		each("go_memstats_stack_inuse_bytes")/1024, each("go_memstats_heap_alloc_bytes")/1024, each("process_resident_memory_bytes")/1024)
	if each("go_goroutines") > 20 || each("go_memstats_stack_inuse_bytes")+each("go_memstats_heap_alloc_bytes") > 1<<20 {
		t.Errorf("before %v, after %v", before, after)
	}
	programs, inits := h.descendants()
	if len(programs) != *instances {
		t.Errorf("%d processes of the function", len(programs))
	}
	t.Logf("beside it: %d processes of the function, %d KiB each, and %d of their sandboxes, %d KiB each",
		len(programs), meanKiB(programs), len(inits), meanKiB(inits))
	h.stop()
}

// deployWaiting deploys a function that waits at an address, as long as it is not hung up on.
func (h *house) deployWaiting(address string) {
	h.t.Helper()
	dir := h.t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "bootstrap"), "./testdata/waiting")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		h.t.Fatalf("%v\n%s", err, out)
	}
	archive := filepath.Join(h.dir, "function.zip")
	zipFolder(h.t, archive, dir)
	code, err := os.ReadFile(archive)
	h.check(err)
	_, err = h.lambda.CreateFunction(h.t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("waiting"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Timeout: aws.Int32(600),
		Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: code},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"WAIT_AT": address}},
	})
	h.check(err)
	h.check(lambda.NewFunctionActiveV2Waiter(h.lambda).Wait(h.t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("waiting")}, time.Minute,
		func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 10 * time.Millisecond }))
}

// invokeAtOnce has so many invocations run at one time, and returns when all have ended.
func (h *house) invokeAtOnce(waiting net.Listener, n int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 2*time.Minute)
	defer cancel()
	defer context.AfterFunc(ctx, func() { waiting.Close() })()
	var group sync.WaitGroup
	ends := make(chan error, n)
	for range n {
		group.Go(func() {
			out, err := h.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("waiting")})
			if err == nil && out.FunctionError != nil {
				err = fmt.Errorf("%s: %s", *out.FunctionError, out.Payload)
			}
			ends <- err
		})
	}
	var there []net.Conn
	for range n {
		c, err := waiting.Accept()
		h.check(err)
		there = append(there, c)
	}
	for _, c := range there {
		c.Close()
	}
	group.Wait()
	for range n {
		h.check(<-ends)
	}
}

// descendants returns the folders in /proc of the processes that the server has started: of the function, and those that hold
// its sandboxes.
func (h *house) descendants() (programs, inits []string) {
	h.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	h.check(err)
	for _, file := range all {
		environment, err := os.ReadFile(file)
		if err == nil && bytes.Contains(environment, []byte("AWS_ENDPOINT_URL="+h.url)) {
			programs = append(programs, filepath.Dir(file))
		}
	}
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", h.process.Process.Pid))
	h.check(err)
	for _, file := range children {
		text, err := os.ReadFile(file)
		h.check(err)
		for _, pid := range strings.Fields(string(text)) {
			if dir := "/proc/" + pid; !slices.Contains(programs, dir) {
				inits = append(inits, dir)
			}
		}
	}
	return programs, inits
}

func meanKiB(processes []string) (mean int64) {
	for _, p := range processes {
		mean += proportionalKiB(p)
	}
	return mean / int64(max(1, len(processes)))
}

// proportionalKiB returns the memory of a process, with what several share divided among them.
func proportionalKiB(dir string) int64 {
	text, err := os.ReadFile(filepath.Join(dir, "smaps_rollup"))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("\nPss:"))
	rest, _, _ = bytes.Cut(rest, []byte(" kB"))
	kib, _ := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64)
	return kib
}
