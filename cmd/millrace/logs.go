package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// logsCall is a call of millrace logs.
type logsCall struct {
	source logSource
	follow bool
	out    *bufio.Writer
}

// showLogs prints what a function has printed.
func showLogs(ctx context.Context, args []string, std stdio) error {
	c := logsCall{out: bufio.NewWriter(std.out)}
	fs := newFlags("logs FUNCTION", "Prints what a function has printed lately, as any client of CloudWatch Logs reads it.", std)
	fs.StringVar(&c.source.group, "group", "", "`name` of a log group, instead of a function's")
	fs.BoolVar(&c.follow, "follow", false, "wait for more instead of ending at the newest event")
	since := fs.Duration("since", 10*time.Minute, "how long ago the oldest event is that is printed; 0 for all")
	fs.StringVar(&c.source.pattern, "filter", "", "filter `pattern` of CloudWatch Logs: ERROR, or '{ $.level = \"error\" }'")
	fs.StringVar(&c.source.url, "endpoint-url", cmp.Or(os.Getenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"), os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:4566"),
		"`URL` of the server; by default that of AWS_ENDPOINT_URL_CLOUDWATCH_LOGS or AWS_ENDPOINT_URL, if there is one")
	fs.StringVar(&c.source.region, "region", cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1"),
		"`region` of the function; by default that of AWS_REGION or AWS_DEFAULT_REGION, if there is one")
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	if err := parse(fs, args); err != nil {
		return err
	}
	if (name == "") == (c.source.group == "") {
		return &usageError{errors.New("a function or --group is required, and not both")}
	}
	if name != "" {
		c.source.group = "/aws/lambda/" + name
	}
	if *since > 0 {
		c.source.start = time.Now().Add(-*since).UnixMilli()
	}
	c.source.seen = map[string]int64{}
	err := c.read(ctx)
	if ctx.Err() != nil && c.follow {
		err = nil // which is how one ends it
	}
	return errors.Join(err, c.out.Flush())
}

// read shows what there is. A follower goes on until the context ends; the group may come into being meanwhile.
func (c *logsCall) read(ctx context.Context) error {
	for {
		err := c.source.read(ctx, c.show)
		if err != nil && !(c.follow && errors.Is(err, errNoGroup)) {
			return err
		}
		if !c.follow {
			return nil
		}
		if err := c.out.Flush(); err != nil {
			return err
		}
		select {
		case <-time.After(followPause / 2):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// show prints an event behind its time. A carriage return stands for the end of a line that others follow.
func (c *logsCall) show(e logEvent) error {
	text := strings.ReplaceAll(strings.TrimRight(e.Message, "\r\n"), "\r", "\n")
	_, err := fmt.Fprintln(c.out, time.UnixMilli(e.Timestamp).UTC().Format("2006-01-02T15:04:05.000Z"), text)
	return err
}
