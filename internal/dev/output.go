package dev

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// ownName stands before the lines that are about no single function.
const ownName = "millrace"

// palette are the colours of functions: those that can be read on dark and on light.
var palette = []string{"36", "33", "35", "32", "34", "96", "93", "95", "92", "94"}

// faint is how the platform's own lines about invocations look.
const faint = "2"

// lineEnds makes one kind of them.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// output writes whole lines, each with the name of what it is about before it.
type output struct {
	color bool

	mu      sync.Mutex
	to      io.Writer
	width   int            // of the longest name so far
	colors  map[string]int // of the palette
	pending bytes.Buffer
}

func newOutput(to io.Writer, color bool) *output {
	return &output{to: to, color: color, width: len(ownName), colors: make(map[string]int)}
}

// say writes what there is to say about a function, or with ownName about all.
func (o *output) say(name, format string, a ...any) {
	o.write(name, fmt.Sprintf(format, a...))
}

// write writes a text of one line or several. Functions separate lines that belong together by carriage returns, as AWS's
// runtimes do.
func (o *output) write(name, text string) {
	text = strings.ToValidUTF8(strings.TrimRight(text, "\r\n"), "\uFFFD")
	o.mu.Lock()
	defer o.mu.Unlock()
	o.width = max(o.width, len(name))
	o.pending.Reset()
	for line := range strings.SplitSeq(lineEnds.Replace(text), "\n") {
		o.line(name, line)
	}
	// Who reads no more has no use for an error either.
	_, _ = o.to.Write(o.pending.Bytes())
}

func (o *output) line(name, line string) {
	if !o.color {
		fmt.Fprintf(&o.pending, "%-*s | %s\n", o.width, name, line)
		return
	}
	if isPlatformLine(line) {
		line = "\x1b[" + faint + "m" + line + "\x1b[0m"
	} else if strings.Contains(line, "\x1b") {
		line += "\x1b[0m" // what the function has coloured ends with its line
	}
	fmt.Fprintf(&o.pending, "\x1b[%sm%-*s |\x1b[0m %s\n", o.colorOf(name), o.width, name, line)
}

// colorOf gives each name the next colour.
func (o *output) colorOf(name string) string {
	if name == ownName {
		return "1" // bold
	}
	n, ok := o.colors[name]
	if !ok {
		n = len(o.colors) % len(palette)
		o.colors[name] = n
	}
	return palette[n]
}

func isPlatformLine(line string) bool {
	for _, prefix := range []string{"START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", "INIT_REPORT "} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
