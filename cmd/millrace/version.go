package main

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/server"
)

func printVersion(_ context.Context, args []string, std stdio) error {
	fs := newFlags("version", "Prints the version, the Go release it was built with, and the platform.", std)
	if err := parse(fs, args); err != nil {
		return err
	}
	_, err := fmt.Fprintln(std.out, server.Version())
	return err
}
