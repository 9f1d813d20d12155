package function

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// maxTailBytes is how much of an invocation's log its caller can have.
const maxTailBytes = 4096

// Logs keeps what functions print.
type Logs interface {
	// Open returns the log of one instance of a function, which has the name of a log stream.
	Open(f Function, stream string) EventLog
}

// EventLog takes the lines of one instance, from many goroutines.
type EventLog interface {
	// WriteLine takes a line without its end, or several that belong together. The slice is the caller's again when it
	// returns. It does not block.
	WriteLine(at time.Time, line []byte)
	// Flush says that an invocation has ended, after which people look. It does not block.
	Flush()
}

// unkept is a Logs, and EventLog, for who wants none.
type unkept struct{}

func (unkept) Open(Function, string) EventLog { return nil }

// environmentLog is the log of one environment: it hands lines to who keeps them, has the end of them itself, and passes
// them on to the server's own log, at debug level.
type environmentLog struct {
	log   *slog.Logger
	clock clockwork.Clock
	kept  EventLog // nil when nobody keeps it

	mu   sync.Mutex
	tail []byte // at most twice maxTailBytes; its end is what counts
}

// wanted reports whether somebody wants the platform's own lines, which cost something to make.
func (l *environmentLog) wanted() bool { return l.kept != nil || l.verbose() }

// verbose reports whether somebody wants to see lines.
func (l *environmentLog) verbose() bool { return l.log.Enabled(context.Background(), slog.LevelDebug) }

// WriteLine takes one line of what the function prints.
func (l *environmentLog) WriteLine(line []byte) {
	if l.kept != nil {
		l.kept.WriteLine(l.clock.Now(), line)
	}
	l.show(line)
}

// show takes a line for the tail and the server's log.
func (l *environmentLog) show(line []byte) {
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

// printf writes what the platform has to say: an event, of one line or more.
func (l *environmentLog) printf(format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	if l.kept != nil {
		l.kept.WriteLine(l.clock.Now(), []byte(text))
	}
	for line := range strings.SplitSeq(text, "\n") {
		l.show([]byte(line))
	}
}

// open writes that an environment begins. It belongs to no invocation, and so not to the tail of one.
func (l *environmentLog) open(f Function) {
	if l.kept != nil {
		line := fmt.Sprintf("INIT_START Runtime Version: %s\tRuntime Version ARN: %s", f.runtimeVersion(), f.RuntimeVersionARN())
		l.kept.WriteLine(l.clock.Now(), []byte(line))
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
	if l.kept != nil {
		l.kept.Flush()
	}
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
