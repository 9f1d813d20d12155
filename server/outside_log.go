package server

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/millrace/millrace/logs"
)

// linesTimeout bounds the time in which what functions printed is taken elsewhere: lines that come meanwhile wait in memory.
const linesTimeout = 5 * time.Second

// Bounds of PutLogEvents.
const (
	maxLines      = 10_000
	maxLineBytes  = 1 << 20
	lineOverhead  = 26
	maxLinesApart = 24 * time.Hour
)

// outsideLog puts what functions print into logs that live elsewhere.
type outsideLog struct {
	*outside
	endpoint string
}

// logEvent is an event as CloudWatch Logs takes it.
type logEvent struct {
	Time int64  `json:"timestamp"`
	Text string `json:"message"`
}

type logNames struct {
	Group  string `json:"logGroupName"`
	Stream string `json:"logStreamName,omitempty"`
}

type logPut struct {
	logNames
	Events []logEvent `json:"logEvents"`
}

// Take implements logs.Elsewhere.
func (o outsideLog) Take(ctx context.Context, n logs.Name, events []logs.Printed) error {
	ctx, cancel := context.WithTimeout(ctx, linesTimeout)
	defer cancel()
	var order []string
	puts := map[string]*logPut{}
	size := map[string]int{}
	for _, e := range events {
		p := puts[e.Stream]
		length := len(e.Text) + lineOverhead
		full := p != nil && (len(p.Events) == maxLines || size[e.Stream]+length > maxLineBytes || e.Time.Sub(time.UnixMilli(p.Events[0].Time)) >= maxLinesApart)
		if full {
			if err := o.put(ctx, n, *p); err != nil {
				return err
			}
			p.Events, size[e.Stream] = nil, 0
		}
		if p == nil {
			p = &logPut{logNames: logNames{n.Group, e.Stream}}
			puts[e.Stream], order = p, append(order, e.Stream)
		}
		p.Events = append(p.Events, logEvent{e.Time.UnixMilli(), e.Text})
		size[e.Stream] += length
	}
	for _, stream := range order {
		if err := o.put(ctx, n, *puts[stream]); err != nil {
			return err
		}
	}
	return nil
}

// put puts events of one stream, after it has made the group and the stream if they are not there.
func (o outsideLog) put(ctx context.Context, n logs.Name, p logPut) error {
	err := o.ask(ctx, n, "PutLogEvents", p)
	if !answered(err, "ResourceNotFoundException") {
		return err
	}
	if err := o.ask(ctx, n, "CreateLogGroup", logNames{Group: p.Group}); err != nil && !answered(err, "ResourceAlreadyExistsException") {
		return err
	}
	if err := o.ask(ctx, n, "CreateLogStream", p.logNames); err != nil && !answered(err, "ResourceAlreadyExistsException") {
		return err
	}
	return o.ask(ctx, n, "PutLogEvents", p)
}

func (o outsideLog) ask(ctx context.Context, n logs.Name, operation string, in any) error {
	return o.call(ctx, o.endpoint, "logs", n.Region, "1.1", "Logs_20140328."+operation, in, nil)
}

// answered reports whether an error is an answer with the code.
func answered(err error, code string) bool {
	var answer *outsideError
	return errors.As(err, &answer) && strings.Contains(answer.text, code)
}

// noLog drops what functions print.
type noLog struct{}

// Take implements logs.Elsewhere.
func (noLog) Take(context.Context, logs.Name, []logs.Printed) error { return nil }

// linesElsewhere takes what functions print where the logs do not live here; nil where they do.
func linesElsewhere(c Config, there *outside) logs.Elsewhere {
	endpoint, away := c.away("logs")
	switch {
	case away:
		return outsideLog{there, endpoint}
	case endpoint == Off:
		return noLog{}
	}
	return nil
}
