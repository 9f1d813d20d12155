package function

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
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
// them on to the server's own log, at debug level. Who follows it is told everything, whatever the log keeps.
type environmentLog struct {
	log   *slog.Logger
	clock clockwork.Clock
	kept  EventLog // nil when nobody keeps it

	json                bool // it is one of JSON documents
	application, system logLevel
	follower            atomic.Pointer[func(Telemetry)]
	opening             Telemetry // what was told before anyone could follow

	mu   sync.Mutex
	tail []byte // at most twice maxTailBytes; its end is what counts
}

// openLog returns the log of a new environment, in which its beginning stands.
func (s *Service) openLog(spec Spec) *environmentLog {
	f, stream := spec.Function, spec.LogStream
	l := &environmentLog{log: s.log.With("function", f.Name.Name, "stream", stream), clock: s.clock, kept: s.logs.Open(f, stream)}
	if f.LogFormat == LogJSON {
		l.json, l.application, l.system = true, logLevels[f.ApplicationLogLevel], logLevels[f.SystemLogLevel]
	}
	e := spec.initStart()
	l.opening = Telemetry{Time: l.clock.Now(), Type: e.Type, Record: e.recordJSON()}
	// It belongs to no invocation, and so not to the tail of one.
	switch {
	case l.kept == nil:
	case !l.json:
		l.kept.WriteLine(l.opening.Time, []byte(e.text))
	case e.level >= l.system:
		l.kept.WriteLine(l.opening.Time, e.document(l.opening.Time))
	}
	return l
}

// wanted reports whether somebody wants what the platform has to tell, which costs something to make.
func (l *environmentLog) wanted() bool {
	return l.kept != nil || l.follower.Load() != nil || l.verbose()
}

// verbose reports whether somebody wants to see lines.
func (l *environmentLog) verbose() bool { return l.log.Enabled(context.Background(), slog.LevelDebug) }

// Follow implements LogWriter.
func (l *environmentLog) Follow(follower func(Telemetry)) {
	if l.follower.CompareAndSwap(nil, &follower) {
		follower(l.opening)
	}
}

// WriteLine implements LogWriter.
func (l *environmentLog) WriteLine(line []byte) {
	l.tell(FunctionLine, line)
	if l.json && l.application > traceLevel && lineLevel(line) < l.application {
		return
	}
	l.write(line)
}

// WriteExtensionLine implements LogWriter.
func (l *environmentLog) WriteExtensionLine(line []byte) {
	l.tell(ExtensionLine, line)
	l.write(line)
}

func (l *environmentLog) tell(kind string, line []byte) {
	if follower := l.follower.Load(); follower != nil {
		(*follower)(Telemetry{Time: l.clock.Now(), Type: kind, Line: line})
	}
}

// Tell implements LogWriter.
func (l *environmentLog) Tell(e PlatformEvent) {
	now := l.clock.Now()
	if follower := l.follower.Load(); follower != nil {
		(*follower)(Telemetry{Time: now, Type: e.Type, Record: e.recordJSON()})
	}
	if l.json {
		if !e.only && e.level >= l.system {
			l.write(e.document(now))
		}
		return
	}
	if e.text == "" {
		return
	}
	if l.kept != nil {
		l.kept.WriteLine(now, []byte(e.text)) // one event, also of several lines
	}
	for line := range strings.SplitSeq(e.text, "\n") {
		l.show([]byte(line))
	}
}

// write takes a line for all who want it.
func (l *environmentLog) write(line []byte) {
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

// report is what the platform tells of an invocation is made of.
type report struct {
	id         string
	function   *Function
	begun, now time.Time
}

// end tells how an invocation went.
func (l *environmentLog) end(r report, response Response) {
	if l.json || l.follower.Load() != nil { // it is nothing in a log of plain text
		l.Tell(r.runtimeDone(response))
	}
	if fault, is := r.fault(response); is {
		l.Tell(fault)
	}
	l.Tell(r.end())
	l.Tell(r.report(response))
	if l.kept != nil {
		l.kept.Flush()
	}
}
