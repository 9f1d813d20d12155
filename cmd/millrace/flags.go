package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/peterbourgon/ff/v3"
)

// usageError is a wrong call: bad flags, arguments or settings.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// list is a flag that may be given several times, or with several values between commas.
type list []string

// String returns the values between commas.
func (l *list) String() string { return strings.Join(*l, ",") }

// Set adds values.
func (l *list) Set(values string) error {
	for value := range strings.SplitSeq(values, ",") {
		if value = strings.TrimSpace(value); value != "" {
			*l = append(*l, value)
		}
	}
	return nil
}

// onOff is a flag that is on or off.
type onOff bool

// String returns on or off.
func (o *onOff) String() string {
	if *o {
		return "on"
	}
	return "off"
}

// Set takes on or off.
func (o *onOff) Set(value string) error {
	if value != "on" && value != "off" {
		return errors.New("it is on or off")
	}
	*o = value == "on"
	return nil
}

func newFlags(name, synopsis string, std stdio) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(std.err)
	fs.Usage = func() {
		fmt.Fprintf(std.err, "usage: millrace %s [FLAGS]\n\n%s\n\nflags:\n", name, synopsis)
		fs.PrintDefaults()
	}
	return fs
}

// parse fills the flags: the command line first, then the environment (MILLRACE_DATA_DIR for --data-dir), then the file
// that --config or MILLRACE_CONFIG names (a flag's name and its value on each line, # begins a comment). The first that
// sets a flag wins. Arguments that are no flags are refused, and so is a line of the file that names no flag.
func parse(fs *flag.FlagSet, args []string) error {
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return &usageError{fmt.Errorf("unexpected arguments: %s", strings.Join(fs.Args(), " "))}
	}
	return nil
}

// parseFlags does the same and leaves the arguments that are no flags to the caller.
func parseFlags(fs *flag.FlagSet, args []string) error {
	err := ff.Parse(fs, args,
		ff.WithEnvVarPrefix("MILLRACE"),
		ff.WithConfigFileFlag("config"),
		ff.WithConfigFileParser(ff.PlainParser),
	)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return flag.ErrHelp
	case err != nil:
		return &usageError{err}
	}
	return nil
}
