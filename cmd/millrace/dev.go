package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/millrace/millrace/internal/dev"
)

func runDev(ctx context.Context, args []string, std stdio) error {
	o := dev.Options{Stdout: std.out}
	fs := newFlags("dev DIR", `Starts a server, as up does and with its flags, in which each folder of DIR is a function: as it is now, and as it is after each
edit. What functions print goes to the standard output, the server's own log to standard error. The data is in DIR/.millrace and kept.`, std)
	finish := serverFlags(fs, std, "nearest", slog.LevelWarn)
	fs.Var((*list)(&o.Debug), "debug", "`function` to which a debugger is to attach, with =PORT behind it for another port than usual; may be given again")
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		o.Dir, args = args[0], args[1:]
	}
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	more := fs.Args()
	if o.Dir == "" && len(more) > 0 { // behind the flags
		o.Dir, more = more[0], more[1:]
	}
	if o.Dir == "" || len(more) > 0 {
		return &usageError{errors.New("dev takes one folder, which holds those of the functions: millrace dev DIR")}
	}
	var err error
	if o.Server, err = finish(); err != nil {
		return err
	}
	if f, ok := std.out.(*os.File); ok {
		o.Color = term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	giveBackPages()
	return dev.Run(ctx, o)
}
