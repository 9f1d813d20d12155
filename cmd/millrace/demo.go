package main

import (
	"context"
	"os"

	"golang.org/x/term"

	"github.com/millrace/millrace/internal/demo"
)

func runDemo(ctx context.Context, args []string, std stdio) error {
	o := demo.Options{Stdin: std.in, Stdout: std.out}
	fs := newFlags("demo", `Starts a server in a fresh folder, builds a stream, a function, a queue and a mapping with the AWS SDK, and puts a feed
through them: one week of earthquakes, or your own NDJSON. The function refuses events with a negative "mag".`, std)
	fs.StringVar(&o.File, "file", "", "the NDJSON `file` to put, - for standard input (default: the built-in feed)")
	fs.StringVar(&o.KeyField, "key", "net", "the `field` of a line that is its partition key")
	fs.IntVar(&o.Rate, "rate", 0, "records to put a second, 0 for as fast as they are taken")
	fs.IntVar(&o.Repeat, "repeat", 1, "how many times the feed is put")
	fs.StringVar(&o.DataDir, "data-dir", "", "`folder` of the server's data, which must be new or empty (default: a fresh one, which is kept)")
	fs.BoolVar(&o.JSON, "json", false, "print the summary as JSON and nothing else")
	if err := parse(fs, args); err != nil {
		return err
	}
	if f, ok := std.out.(*os.File); ok {
		o.Live = term.IsTerminal(int(f.Fd()))
	}
	return demo.Run(ctx, o)
}
