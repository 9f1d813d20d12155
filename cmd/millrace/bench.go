package main

import (
	"context"
	"strings"

	"github.com/millrace/millrace/internal/bench"
)

func runBench(ctx context.Context, args []string, std stdio) error {
	o := bench.Options{Stdout: std.out, Stderr: std.err}
	fs := newFlags("bench", "Measures a server on this machine, and the bare storage engine beside it in the same run.", std)
	fs.Float64Var(&o.Seconds, "seconds", 3, "how long each timed measurement runs, in `seconds`")
	fs.IntVar(&o.Backlog, "backlog", 400_000, "`records` that the drain measurement delivers")
	fs.IntVar(&o.OpenMiB, "open-mib", 256, "`MiB` of records in the store that is opened after a crash; the disk needs room for twice as much")
	only := fs.String("only", "", "comma-separated `sections` to measure: "+strings.Join(bench.Sections, ", ")+" (default: all)")
	fs.StringVar(&o.Dir, "dir", "", "`folder` whose disk is measured (default: the folder of temporary files)")
	fs.BoolVar(&o.JSON, "json", false, "print JSON")
	if err := parse(fs, args); err != nil {
		return err
	}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	return bench.Run(ctx, o)
}
