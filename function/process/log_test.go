package process_test

import (
	"bytes"
	"io"
	"log/slog"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

func TestLogTail(t *testing.T) {
	h := open(t)
	h.gobootstrap("f")
	pattern := regexp.MustCompile(`^START RequestId: req-1 Version: \$LATEST\nhello\nno newline\nEND RequestId: req-1\n` +
		`REPORT RequestId: req-1\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: [1-9]\d* MB\tInit Duration: \d+\.\d\d ms\t\n$`)
	if got := h.invoke("f", `{"Do":"print","Text":"hello"}`); !pattern.Match(got.LogTail) {
		t.Errorf("log: %s", got.LogTail)
	}
	if got := string(h.invoke("f", `{"Do":"print","Text":"again"}`).LogTail); strings.Contains(got, "hello") || strings.Contains(got, "Init") || !strings.Contains(got, "again\n") {
		t.Errorf("log of the second: %s", got)
	}
	lines := strings.Repeat("0123456789\\n", 1000)
	got := h.invoke("f", `{"Do":"print","Text":"`+lines+`"}`).LogTail
	if len(got) != 4096 || !bytes.HasSuffix(got, []byte("ms\tMemory Size: 128 MB\tMax Memory Used: ")) && !bytes.Contains(got, []byte("REPORT RequestId: req-1")) {
		t.Errorf("%d bytes: …%s", len(got), got[len(got)-200:])
	}
	plain, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f")})
	if err != nil || plain.LogTail != nil {
		t.Errorf("log without asking: %q, %v", plain.LogTail, err)
	}
}

// What functions print is in the server's log, at debug level.
func TestLinesInTheServersLog(t *testing.T) {
	var mu sync.Mutex
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(lockedWriter{&mu, &out}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h := open(t, func(f *function.Config, p *process.Config) { f.Log, p.Log = log, log })
	h.gobootstrap("f")
	h.invoke("f", `{"Do":"print","Text":"hello"}`)
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{`msg="function log" function=f stream=20`, ` line=hello`, ` line="no newline"`, ` line="START RequestId: req-1 Version: $LATEST"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in %s", want, out.String())
		}
	}
}

type lockedWriter struct {
	mu  *sync.Mutex
	out io.Writer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

func TestTimeoutAndExitInTheLog(t *testing.T) {
	h := open(t)
	h.gobootstrap("wait", timeout(time.Second))
	h.gobootstrap("exit", timeout(time.Minute)) // how long it takes to end is the machine's affair
	for payload, pattern := range map[string]string{
		`{"Do":"wait","Text":"/never"}`: `\n\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z req-1 Task timed out after 1\.00 seconds\n\nEND RequestId: req-1\nREPORT RequestId: req-1\tDuration: 1000\.00 ms\t.*\tStatus: timeout\n$`,
		`{"Do":"exit","Number":7}`: `\nRequestId: req-1 Error: Runtime exited with error: exit status 7\nRuntime\.ExitError\nEND RequestId: req-1\n` +
			`REPORT .*\tStatus: error\tError Type: Runtime\.ExitError\n$`,
	} {
		name := payload[len(`{"Do":"`):][:len("wait")]
		if got := h.invoke(name, payload).LogTail; !regexp.MustCompile(pattern).Match(got) {
			t.Errorf("%s: %s", payload, got)
		}
	}
}

// A line without end does not make the server grow.
func TestEndlessLine(t *testing.T) {
	h := open(t)
	h.gobootstrap("f", timeout(60*time.Second))
	h.invoke("f", "1")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	got := h.invoke("f", `{"Do":"longline","Number":100}`)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if churn := after.TotalAlloc - before.TotalAlloc; churn > 32<<20 {
		t.Errorf("%d bytes were allocated", churn)
	}
	if !bytes.Contains(got.LogTail, []byte("yyyend\nEND RequestId")) { // the last line has what is left
		t.Errorf("log: …%s", got.LogTail[len(got.LogTail)-300:])
	}
}

// What a program used that ends at once is not what the server had when it was started.
func TestMemoryOfACrash(t *testing.T) {
	ballast := make([]byte, 200<<20)
	for n := 0; n < len(ballast); n += 4096 {
		ballast[n] = 1
	}
	h := open(t, func(_ *function.Config, p *process.Config) { p.Isolation = process.Off })
	h.gobootstrap("f")
	result := h.expect("f", `{"Do":"exit","Number":3}`, "Unhandled",
		`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 3"}`)
	m := regexp.MustCompile(`Max Memory Used: ([1-9]\d*) MB`).FindSubmatch(result.LogTail)
	if m == nil {
		t.Fatalf("%s", result.LogTail)
	}
	if mb, err := strconv.Atoi(string(m[1])); err != nil || mb > 150 {
		t.Errorf("%s", result.LogTail)
	}
	runtime.KeepAlive(ballast)
}
