package function

import (
	"bytes"
	"encoding/json"
	"strings"
)

// logLevel says how much an entry of the log matters.
type logLevel int

const (
	traceLevel logLevel = iota
	debugLevel
	infoLevel
	warnLevel
	errorLevel
	fatalLevel
)

// logLevels are the levels by the names that settings and the logging libraries of the runtimes have for them.
var logLevels = map[string]logLevel{
	"TRACE": traceLevel, "DEBUG": debugLevel, "INFO": infoLevel, "WARN": warnLevel, "WARNING": warnLevel,
	"ERROR": errorLevel, "FATAL": fatalLevel, "CRITICAL": fatalLevel,
}

// lineLevel finds out how much a line matters that a function prints: what the document says that it is, and INFO for one that
// says nothing, or that is none.
func lineLevel(line []byte) logLevel {
	if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' {
		return infoLevel
	}
	var said struct {
		Level    any `json:"level"`
		LogLevel any `json:"log_level"`
	}
	if json.Unmarshal(line, &said) != nil {
		return infoLevel
	}
	for _, name := range []any{said.Level, said.LogLevel} {
		if text, ok := name.(string); ok {
			if level, ok := logLevels[strings.ToUpper(text)]; ok {
				return level
			}
		}
	}
	return infoLevel
}

// Formats of logs.
const (
	LogText = "Text"
	LogJSON = "JSON"
)

// withLogLevels brings the levels into line with the format: a log of plain text has none.
func (f Function) withLogLevels() Function {
	if f.LogFormat == LogJSON {
		setDefault(&f.ApplicationLogLevel, "INFO")
		setDefault(&f.SystemLogLevel, "INFO")
	}
	return f
}

// checkLogging judges where the log goes and what is in it.
func (f Function) checkLogging() error {
	switch {
	case f.LogFormat != LogText && f.LogFormat != LogJSON:
		return &SettingError{"LoggingConfig.LogFormat", "is neither Text nor JSON"}
	case f.LogFormat == LogText && f.ApplicationLogLevel+f.SystemLogLevel != "":
		return ErrLogLevelOfText
	case f.LogFormat == LogText:
		return nil
	}
	if _, ok := logLevels[f.ApplicationLogLevel]; !ok {
		return &SettingError{"LoggingConfig.ApplicationLogLevel", "is no level"}
	}
	if level := logLevels[f.SystemLogLevel]; level < debugLevel || level > warnLevel {
		return &SettingError{"LoggingConfig.SystemLogLevel", "is neither DEBUG nor INFO nor WARN"}
	}
	return nil
}
