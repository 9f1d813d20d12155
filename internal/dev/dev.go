package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/server"
)

// Options says what to serve and where to show it.
type Options struct {
	// Dir is the folder whose folders are the functions.
	Dir string
	// Server is what the server is built from. Without a DataDir, and without Memory, the data is in Dir/.millrace.
	Server server.Config
	// Debug are functions to which a debugger is to attach: names, with =PORT behind them where another port than the
	// runtime's usual one is meant.
	Debug []string
	// Stdout takes what functions print and what there is to say about them, in whole lines.
	Stdout io.Writer
	// Color gives each function a colour.
	Color bool
}

// Run serves and watches until the context ends. It returns an error when the server could not be started or has failed.
func Run(ctx context.Context, o Options) error {
	debug, err := parseDebug(o.Debug)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	if info, err := os.Stat(dir); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", o.Dir)
	}
	if o.Server.DataDir == "" && !o.Server.Memory {
		if o.Server.DataDir, err = dataDir(dir); err != nil {
			return err
		}
	}
	out := newOutput(o.Stdout, o.Color)
	if len(debug) > 0 {
		o.Server.Freeze = "off" // a debugger that attaches between invocations wants an answer
	}
	if o.Server.Log == nil {
		o.Server.Log = slog.New(slog.DiscardHandler)
	}
	o.Server.Log = slog.New(&logHandler{out: out, dir: dir, rest: o.Server.Log.Handler()})
	house, err := server.New(o.Server)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.Background())
	watching, end := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() {
		defer end() // a server that fails ends the watch too
		stopped <- house.Run(serving)
	}()

	place := o.Server.DataDir
	if o.Server.Memory {
		place = "memory"
	}
	out.say(ownName, "serving the folders of %s at %s, data in %s", o.Dir, house.URL(), place)
	w := &watch{dir: dir, debug: debug, clients: newClients(house, o.Server), out: out, folders: make(map[string]*folder)}
	err = w.run(watching)
	if watching.Err() != nil {
		err = nil // of a request that was cut off by the end
	}
	stop()
	return errors.Join(err, <-stopped)
}

// dataDir makes the folder of the data, which version control passes over.
func dataDir(dir string) (string, error) {
	own := filepath.Join(dir, ".millrace")
	if err := os.MkdirAll(own, 0o700); err != nil {
		return "", err
	}
	return filepath.Join(own, "data"), os.WriteFile(filepath.Join(own, ".gitignore"), []byte("*\n"), 0o644)
}
