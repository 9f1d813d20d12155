// Command millrace keeps Kinesis data streams, runs Lambda functions, and drives event source mappings between them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/millrace/millrace/internal/bench"
	"github.com/millrace/millrace/internal/bootstrap"
	"github.com/millrace/millrace/internal/demo"
)

// command is one subcommand of the program.
type command struct {
	name, synopsis string
	run            func(ctx context.Context, args []string, std stdio) error
}

// stdio is what a subcommand reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func commands() []command {
	return []command{
		{"up", "start the server", up},
		{"dev", "start a server whose functions are the folders of a folder, as they are edited", runDev},
		{"demo", "a week of earthquakes through a stream, a mapping and a function", runDemo},
		{"records", "print the records of a stream, with those inside aggregated ones", showRecords},
		{"logs", "print what a function has printed", showLogs},
		{"filter", "try a mapping's filter on records", runFilter},
		{"bench", "measure this machine", runBench},
		{"cert", "print the certificate that clients of TLS must trust", printCertificate},
		{"version", "print the version", printVersion},
	}
}

func main() {
	switch bootstrap.Handler() {
	case demo.HandlerName:
		fail(demo.ServeHandler())
	case bench.HandlerName:
		fail(bench.ServeHandler())
	}
	leaveRoomForSyncs()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// fail ends a process that was a function's.
func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// leaveRoomForSyncs lets two more threads run Go code than there are processors. A sync of the disk holds one for as
// long as it takes, without using a processor; on a small machine the others would stand still meanwhile.
func leaveRoomForSyncs() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
}

// run runs the subcommand that args name and returns the exit status: 0, 1 for a failure or a no, 2 for a wrong call.
func run(ctx context.Context, args []string, std stdio) int {
	if len(args) == 0 {
		usage(std.err)
		return 2
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(std.out)
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return status(c.run(ctx, args[1:], std), std)
		}
	}
	fmt.Fprintf(std.err, "millrace: there is no command %q\n", args[0])
	usage(std.err)
	return 2
}

func status(err error, std stdio) int {
	var wrong *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUnmatched): // which has been told
		return 1
	case errors.As(err, &wrong):
		fmt.Fprintln(std.err, "millrace:", err)
		return 2
	}
	fmt.Fprintln(std.err, "millrace:", err)
	return 1
}

func usage(w io.Writer) {
	fmt.Fprint(w, "usage: millrace COMMAND [FLAGS]\n\ncommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s%s\n", c.name, c.synopsis)
	}
	fmt.Fprint(w, "\n`millrace COMMAND --help` lists a command's flags.\n")
}
