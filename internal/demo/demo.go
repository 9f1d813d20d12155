package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/server"
)

// Options says what to show and where.
type Options struct {
	// File is the NDJSON feed to put: a path, "-" for Stdin, "" for the built-in week of earthquakes.
	File string
	// KeyField is the field of each line that becomes the partition key.
	KeyField string
	// Rate is the number of records to put a second; 0 puts as fast as they are taken.
	Rate int
	// Repeat is how many times the feed is put, at least 1.
	Repeat int
	// DataDir is where the server keeps its data. "" makes a fresh folder, which stays, so that what the demo made can
	// be looked at afterwards.
	DataDir string
	// JSON asks for the summary as one JSON object, and for silence before it.
	JSON bool

	Stdin  io.Reader
	Stdout io.Writer
	// Live says that Stdout is a terminal, where progress may be redrawn in place.
	Live bool
}

// Run shows the demo. It returns an error when a step failed, or when what arrived is not what was put.
func Run(ctx context.Context, o Options) error {
	if o.Repeat < 1 {
		return errors.New("repeat must be at least 1")
	}
	if o.Rate < 0 {
		return errors.New("rate must not be negative")
	}
	feed, err := openFeed(o.File, o.Stdin)
	if err != nil {
		return err
	}
	defer feed.Close()
	if o.DataDir == "" {
		dir, err := os.MkdirTemp("", "millrace-demo-")
		if err != nil {
			return err
		}
		o.DataDir = dir
	}
	ledger, err := makeLedger(o.DataDir)
	if err != nil {
		return err
	}
	house, err := server.New(server.Config{
		Listen:  "127.0.0.1:0",
		DataDir: o.DataDir,
		Shared:  []string{filepath.Dir(ledger)},
		Log:     slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- house.Run(serving) }()

	err = show(ctx, o, feed, house.URL(), ledger)
	stop()
	return errors.Join(err, <-stopped)
}

// show is the demo itself, as a client of a server that runs at url.
func show(ctx context.Context, o Options, feed io.Reader, url, ledger string) error {
	v := newView(o)
	c := newClients(url)

	v.step("server", "%s, data in %s", url, o.DataDir)
	work, err := c.build(ctx, v, ledger)
	if err != nil {
		return err
	}

	started := time.Now()
	putter := newPutter(c, o)
	putting := make(chan error, 1)
	putCtx, stopPutting := context.WithCancel(ctx)
	defer stopPutting()
	go func() { putting <- putter.run(putCtx, feed) }()

	if err := follow(ctx, v, c, work, putter, putting); err != nil {
		stopPutting()
		return err
	}
	s, err := summarize(ctx, c, work, putter, ledger)
	if err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	s.Seconds = time.Since(started).Seconds()
	s.DataDir = o.DataDir
	if err := v.summary(s); err != nil {
		return err
	}
	return s.check()
}
