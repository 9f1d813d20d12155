package function

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"
)

// maxTailBytes is how much of an invocation's log its caller can have.
const maxTailBytes = 4096

// environmentLog is the log of one environment: it keeps the end of it and passes lines on to the server's own log, at
// debug level.
type environmentLog struct {
	log *slog.Logger

	mu   sync.Mutex
	tail []byte // at most twice maxTailBytes; its end is what counts
}

func newEnvironmentLog(log *slog.Logger) *environmentLog { return &environmentLog{log: log} }

// verbose reports whether somebody wants to see lines.
func (l *environmentLog) verbose() bool { return l.log.Enabled(context.Background(), slog.LevelDebug) }

// WriteLine takes one line of what the function prints.
func (l *environmentLog) WriteLine(line []byte) {
	l.mu.Lock()
	if len(line) > maxTailBytes {
		l.tail = append(l.tail[:0], line[len(line)-maxTailBytes:]...)
	} else {
		l.tail = append(l.tail, line...)
	}
	l.tail = append(l.tail, '\n')
	if len(l.tail) > 2*maxTailBytes {
		l.tail = append(l.tail[:0], l.tail[len(l.tail)-maxTailBytes:]...)
	}
	l.mu.Unlock()
	if l.verbose() {
		l.log.Debug("function log", "line", string(line))
	}
}

func (l *environmentLog) printf(format string, a ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, a...), "\n") {
		l.WriteLine([]byte(line))
	}
}

// reset forgets the log of the invocation before.
func (l *environmentLog) reset() {
	l.mu.Lock()
	l.tail = l.tail[:0]
	l.mu.Unlock()
}

// tailCopy returns the end of the log since reset.
func (l *environmentLog) tailCopy() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]byte{}, l.tail[max(0, len(l.tail)-maxTailBytes):]...)
}

// report is what the platform's own lines about an invocation are made of.
type report struct {
	id       string
	function *Function
	now      time.Time
}

// begin writes the line that opens an invocation.
func (l *environmentLog) begin(r report) {
	l.printf("START RequestId: %s Version: %s", r.id, r.function.Version)
}

// end writes the lines that close an invocation.
func (l *environmentLog) end(r report, response Response) {
	status := ""
	switch {
	case response.ErrorType == ErrorTimeout:
		l.printf("%s %s %s\n", r.now.UTC().Format("2006-01-02T15:04:05.000Z"), r.id, response.Message)
		status = "Status: timeout"
	case response.ErrorType != "" && response.Message != "":
		l.printf("%s\n%s", failureMessage(r.id, response.Message), response.ErrorType)
		status = "Status: error\tError Type: " + response.ErrorType
	}
	l.printf("END RequestId: %s", r.id)
	init := ""
	if response.InitDuration > 0 {
		init = fmt.Sprintf("Init Duration: %.2f ms\t", millis(response.InitDuration))
	}
	l.printf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t%s%s",
		r.id, millis(response.Duration), math.Ceil(millis(response.Duration+response.InitDuration)),
		r.function.MemoryMB, response.MaxMemoryMB, init, status)
}

// InitReport is the line about an initialization that took too long or failed. status is "timeout" or "error"; the type
// of the error may be empty.
func InitReport(d time.Duration, status, errorType string) string {
	line := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: %s", millis(d), status)
	if errorType != "" {
		line += "\tError Type: " + errorType
	}
	return line
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
