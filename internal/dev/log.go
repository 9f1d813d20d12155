package dev

import (
	"context"
	"log/slog"
	"path/filepath"
	"regexp"
)

// functionLine is the message with which the server logs a line that a function has printed, at debug level: the function is
// an attribute of the logger, the line one of the record.
const functionLine = "function log"

// codeFolder finds the folder in which code runs, as it is called with isolation and without. Who reads wants to know which
// file of the function's folder is meant.
var codeFolder = regexp.MustCompile(`(?:/var/task|[^\s"'(]*/functions/run-\d+/[0-9a-f]{64})/`)

// logHandler takes the lines of functions out of the server's log and shows them; the rest it hands on.
type logHandler struct {
	out      *output
	dir      string
	rest     slog.Handler
	function string // which the logger is about, or empty
}

// Enabled lets everything through that is about a function: its lines may be among it.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.function != "" || h.rest.Enabled(ctx, level)
}

// Handle shows a function's line, and hands on what would have been logged anyway.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.function != "" && r.Message == functionLine {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "line" {
				h.out.write(h.function, codeFolder.ReplaceAllLiteralString(a.Value.String(), filepath.Join(h.dir, h.function)+"/"))
			}
			return a.Key != "line"
		})
		return nil
	}
	if !h.rest.Enabled(ctx, r.Level) {
		return nil
	}
	return h.rest.Handle(ctx, r)
}

// WithAttrs remembers which function a logger is about.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := &logHandler{out: h.out, dir: h.dir, rest: h.rest.WithAttrs(attrs), function: h.function}
	for _, a := range attrs {
		if a.Key == "function" {
			with.function = a.Value.String()
		}
	}
	return with
}

// WithGroup hands on.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{out: h.out, dir: h.dir, rest: h.rest.WithGroup(name), function: h.function}
}
