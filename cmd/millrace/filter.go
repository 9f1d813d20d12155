package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/millrace/millrace/filter"
)

// errUnmatched says that some records did not match, as the output has told already.
var errUnmatched = errors.New("some records did not match")

// runFilter has one subcommand of its own.
func runFilter(ctx context.Context, args []string, std stdio) error {
	switch {
	case len(args) > 0 && args[0] == "test":
		return testFilter(ctx, args[1:], std)
	case len(args) == 1 && (args[0] == "-h" || args[0] == "--help"):
		return testFilter(ctx, args, std)
	}
	return &usageError{errors.New("usage: millrace filter test [FLAGS]")}
}

// filterTest is a call of millrace filter test.
type filterTest struct {
	patterns     []string
	patternFile  string
	record       string
	partitionKey string
	json         bool
}

func testFilter(_ context.Context, args []string, std stdio) error {
	var t filterTest
	fs := newFlags("filter test", "Says of each record whether a filter of an event source mapping matches it, and why. The payloads are JSON: one a line,\n"+
		"or one alone. The exit status is 0 if all match, 1 if some do not, 2 if a pattern is none.", std)
	fs.Func("pattern", "the filter's `pattern`; several are several filters, of which one has to match", func(p string) error {
		t.patterns = append(t.patterns, p)
		return nil
	})
	fs.StringVar(&t.patternFile, "pattern-file", "", "`file` that holds the pattern")
	fs.StringVar(&t.record, "record", "-", "`file` that holds the payloads, - for the standard input")
	fs.StringVar(&t.partitionKey, "partition-key", "", "partition `key` of the records")
	fs.BoolVar(&t.json, "json", false, "print JSON, an object a record")
	if err := parse(fs, args); err != nil {
		return err
	}
	set, err := t.compile()
	if err != nil {
		return &usageError{err}
	}
	in, err := t.open(std)
	if err != nil {
		return err
	}
	defer in.Close()
	return t.judge(set, in, std.out)
}

// compile reads the patterns, as the mappings do.
func (t *filterTest) compile() (*filter.Set, error) {
	if t.patternFile != "" {
		text, err := os.ReadFile(t.patternFile)
		if err != nil {
			return nil, err
		}
		t.patterns = append(t.patterns, string(bytes.TrimSpace(text)))
	}
	if len(t.patterns) == 0 {
		return nil, errors.New("--pattern or --pattern-file is required")
	}
	set, err := filter.Compile(t.patterns...)
	if err != nil {
		return nil, fmt.Errorf("invalid filter pattern: %w", err)
	}
	return set, nil
}

func (t *filterTest) open(std stdio) (io.ReadCloser, error) {
	if t.record == "-" {
		return io.NopCloser(std.in), nil
	}
	return os.Open(t.record)
}

// judge tells of each payload.
func (t *filterTest) judge(set *filter.Set, in io.Reader, out io.Writer) error {
	var unmatched error
	n := 0
	for payload, err := range payloads(in) {
		if err != nil {
			return err
		}
		n++
		e := set.Explain(&filter.Record{Data: payload, PartitionKey: t.partitionKey})
		if !e.Matched {
			unmatched = errUnmatched
		}
		tell := tellFilter
		if t.json {
			tell = tellFilterJSON
		}
		if err := tell(out, n, e); err != nil {
			return err
		}
	}
	if n == 0 {
		return errors.New("there is no record")
	}
	return unmatched
}

func tellFilterJSON(out io.Writer, n int, e filter.Explanation) error {
	text := json.NewEncoder(out)
	text.SetEscapeHTML(false)
	return text.Encode(struct {
		Record int `json:"record"`
		filter.Explanation
	}{n, e})
}

// tellFilter says why a record matched by the filter that it matched, and why it did not by all of them.
func tellFilter(out io.Writer, n int, e filter.Explanation) error {
	b := bufio.NewWriter(out)
	verdict := "does not match"
	if e.Matched {
		verdict = "matches"
	}
	fmt.Fprintf(b, "record %d %s\n", n, verdict)
	for i, j := range e.Filters {
		if j.Matched != e.Matched {
			continue
		}
		for _, c := range j.Comparisons {
			if len(e.Filters) > 1 {
				fmt.Fprintf(b, "  filter %d: %v\n", i+1, c)
			} else {
				fmt.Fprintf(b, "  %v\n", c)
			}
		}
		if e.Matched {
			break
		}
	}
	return b.Flush()
}

// maxInput bounds what is read: some records of the largest size.
const maxInput = 64 << 20

// payloads yields what an input holds: itself, when it is one JSON value, else its lines that are not empty.
func payloads(in io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		text, err := io.ReadAll(io.LimitReader(in, maxInput+1))
		if err == nil && len(text) > maxInput {
			err = fmt.Errorf("the records are longer than %d bytes", maxInput)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		if json.Valid(text) {
			yield(bytes.TrimSpace(text), nil)
			return
		}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(line, nil) {
				return
			}
		}
	}
}
