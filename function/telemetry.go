package function

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// Telemetry is one thing that is told of an environment while it lives: a line that something in it prints, or what befell it.
type Telemetry struct {
	Time time.Time
	// Type is "function" or "extension" for a line, and otherwise begins with "platform.".
	Type string
	// Line is what was printed. It is the teller's again when it has been taken.
	Line []byte
	// Record is JSON, when there is no line.
	Record []byte
}

// Types of the lines in Telemetry.
const (
	FunctionLine  = "function"
	ExtensionLine = "extension"
)

// PlatformEvent is what the platform has to tell of an environment, or of an invocation in it. In a log of plain text some
// are lines of their own and most are not there; in a log of JSON documents it depends on the level.
type PlatformEvent struct {
	// Type is platform.X.
	Type   string
	record any
	text   string
	level  logLevel
	// only says that the event belongs to the log of plain text, and to those who read the Logs API.
	only bool
}

// Outcomes in what the platform tells.
const (
	StatusSuccess = "success"
	StatusError   = "error"
	StatusTimeout = "timeout"
)

// levelOf is INFO or DEBUG for what went well, as given, and WARN for what did not.
func levelOf(status string, well logLevel) logLevel {
	if status == StatusSuccess {
		return well
	}
	return warnLevel
}

// initialization is what the events of the init phase have in common.
type initialization struct {
	Type  string `json:"initializationType"`
	Phase string `json:"phase"`
}

func (s Spec) initialization() initialization { return initialization{s.InitializationType(), "init"} }

// initStart says that an environment begins.
func (s Spec) initStart() PlatformEvent {
	f := s.Function
	version, arn := f.runtimeVersion(), f.RuntimeVersionARN()
	return PlatformEvent{
		Type: "platform.initStart", level: infoLevel,
		text: fmt.Sprintf("INIT_START Runtime Version: %s\tRuntime Version ARN: %s", version, arn),
		record: struct {
			initialization
			RuntimeVersion    string `json:"runtimeVersion"`
			RuntimeVersionArn string `json:"runtimeVersionArn"`
			FunctionName      string `json:"functionName"`
			FunctionVersion   string `json:"functionVersion"`
			InstanceID        string `json:"instanceId"`
			InstanceMaxMemory int64  `json:"instanceMaxMemory"`
		}{s.initialization(), version, arn, f.Name.Name, f.Version, s.LogStream, int64(f.MemoryMB) << 20},
	}
}

// InitRuntimeDone says that the runtime has initialized, or how it failed to.
func (s Spec) InitRuntimeDone(status, errorType string) PlatformEvent {
	return PlatformEvent{
		Type: "platform.initRuntimeDone", level: levelOf(status, debugLevel),
		record: struct {
			initialization
			Status    string `json:"status"`
			ErrorType string `json:"errorType,omitempty"`
		}{s.initialization(), status, errorType},
	}
}

// InitReport says how long an initialization took and how it ended. The type of the error may be empty.
func (s Spec) InitReport(d time.Duration, status, errorType string) PlatformEvent {
	type metrics struct {
		DurationMs float64 `json:"durationMs"`
	}
	e := PlatformEvent{
		Type: "platform.initReport", level: levelOf(status, debugLevel),
		record: struct {
			initialization
			Status    string  `json:"status"`
			ErrorType string  `json:"errorType,omitempty"`
			Metrics   metrics `json:"metrics"`
		}{s.initialization(), status, errorType, metrics{thousandths(d)}},
	}
	if status != StatusSuccess {
		e.text = fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: %s", millis(d), status)
	}
	if e.text != "" && errorType != "" {
		e.text += "\tError Type: " + errorType
	}
	return e
}

// ExtensionInit says where an extension stands at the end of the initialization. The type of its error may be empty.
func ExtensionInit(name, state string, events []string, errorType string) PlatformEvent {
	e := PlatformEvent{
		Type: "platform.extension", level: infoLevel,
		text: fmt.Sprintf("EXTENSION\tName: %s\tState: %s\tEvents: [%s]", name, state, strings.Join(events, ", ")),
		record: struct {
			Name      string   `json:"name"`
			State     string   `json:"state"`
			Events    []string `json:"events"`
			ErrorType string   `json:"errorType,omitempty"`
		}{name, state, append([]string{}, events...), errorType},
	}
	if state != "Ready" {
		e.level = warnLevel
	}
	if errorType != "" {
		e.text += "\tError Type: " + errorType
	}
	return e
}

// Subscription says that an extension has subscribed to the Telemetry API, or to the older Logs API.
func Subscription(api, name, state string, types []string) PlatformEvent {
	titles := make([]string, len(types))
	for i, t := range types {
		if t != "" {
			titles[i] = strings.ToUpper(t[:1]) + t[1:]
		}
	}
	return PlatformEvent{
		Type: "platform." + api + "Subscription", level: infoLevel,
		text: fmt.Sprintf("%s\tName: %s\tState: %s\tTypes: [%s]", strings.ToUpper(api), name, state, strings.Join(titles, ", ")),
		record: struct {
			Name  string   `json:"name"`
			State string   `json:"state"`
			Types []string `json:"types"`
		}{name, state, types},
	}
}

// start says that an invocation begins.
func (r report) start() PlatformEvent {
	return PlatformEvent{
		Type: "platform.start", level: infoLevel, text: "START RequestId: " + r.id + " Version: " + r.function.Version,
		record: struct {
			RequestID string `json:"requestId"`
			Version   string `json:"version"`
		}{r.id, r.function.Version},
	}
}

// span is a part of an invocation.
type span struct {
	Name       string  `json:"name"`
	Start      string  `json:"start"`
	DurationMs float64 `json:"durationMs"`
}

// runtimeDone says that the runtime is done with an invocation.
func (r report) runtimeDone(response Response) PlatformEvent {
	type metrics struct {
		DurationMs    float64 `json:"durationMs"`
		ProducedBytes int     `json:"producedBytes"`
	}
	status, errorType := response.status()
	record := struct {
		RequestID string  `json:"requestId"`
		Status    string  `json:"status"`
		ErrorType string  `json:"errorType,omitempty"`
		Spans     []span  `json:"spans,omitempty"`
		Metrics   metrics `json:"metrics"`
	}{r.id, status, errorType, nil, metrics{thousandths(response.Duration), len(response.Payload)}}
	if status == StatusSuccess {
		record.Spans = []span{{"responseLatency", r.begun.UTC().Format(documentTime), thousandths(response.Duration)}}
	}
	return PlatformEvent{Type: "platform.runtimeDone", level: levelOf(status, debugLevel), record: record}
}

// fault says what the platform found wrong with an invocation, if it did. What the function has reported is in the log already.
func (r report) fault(response Response) (e PlatformEvent, is bool) {
	switch status, errorType := response.status(); {
	case status == StatusSuccess, response.Message == "":
		return e, false
	case status == StatusTimeout:
		e.text = fmt.Sprintf("%s %s %s\n", r.now.UTC().Format(documentTime), r.id, response.Message)
	default:
		e.text = failureMessage(r.id, response.Message) + "\n" + errorType
	}
	e.Type, e.record, e.only = "platform.fault", e.text, true
	return e, true
}

// end says that an invocation ends.
func (r report) end() PlatformEvent {
	return PlatformEvent{
		Type: "platform.end", only: true, text: "END RequestId: " + r.id,
		record: struct {
			RequestID string `json:"requestId"`
		}{r.id},
	}
}

// report says what an invocation took. What a function uses beyond its memory until that is noticed is not told.
func (r report) report(response Response) PlatformEvent {
	type metrics struct {
		DurationMs       float64 `json:"durationMs"`
		BilledDurationMs int64   `json:"billedDurationMs"`
		MemorySizeMB     int     `json:"memorySizeMB"`
		MaxMemoryUsedMB  int     `json:"maxMemoryUsedMB"`
		InitDurationMs   float64 `json:"initDurationMs,omitempty"`
	}
	status, errorType := response.status()
	billed := math.Ceil(millis(response.Duration + response.InitDuration))
	used := min(response.MaxMemoryMB, r.function.MemoryMB)
	e := PlatformEvent{
		Type: "platform.report", level: levelOf(status, infoLevel),
		text: fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
			r.id, millis(response.Duration), billed, r.function.MemoryMB, used),
		record: struct {
			RequestID string  `json:"requestId"`
			Status    string  `json:"status"`
			ErrorType string  `json:"errorType,omitempty"`
			Metrics   metrics `json:"metrics"`
		}{r.id, status, errorType, metrics{
			thousandths(response.Duration), int64(billed), r.function.MemoryMB, used, thousandths(response.InitDuration),
		}},
	}
	if response.InitDuration > 0 {
		e.text += fmt.Sprintf("Init Duration: %.2f ms\t", millis(response.InitDuration))
	}
	switch status {
	case StatusTimeout:
		e.text += "Status: timeout"
	case StatusError:
		e.text += "Status: error\tError Type: " + errorType
	}
	return e
}

// status tells how the platform sees the end of an invocation: an error that the runtime has reported is none of the
// platform's, unless the function could not be initialized.
func (r Response) status() (status, errorType string) {
	switch {
	case r.ErrorType == ErrorTimeout:
		return StatusTimeout, ""
	case r.ErrorType != "" && (r.Message != "" || r.Uninitialized):
		return StatusError, r.ErrorType
	}
	return StatusSuccess, ""
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// thousandths is a duration in milliseconds as documents have it.
func thousandths(d time.Duration) float64 { return math.Round(millis(d)*1000) / 1000 }

// recordJSON returns the record of an event as JSON.
func (e PlatformEvent) recordJSON() []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e.record); err != nil {
		return []byte("{}") // they are plain fields
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// document is the event in a log of JSON documents.
func (e PlatformEvent) document(at time.Time) []byte {
	return fmt.Appendf(nil, `{"time":"%s","type":"%s","record":%s}`, at.UTC().Format(documentTime), e.Type, e.recordJSON())
}
