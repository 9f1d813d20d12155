package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/millrace/millrace/internal/sdkhttp"
)

// logSource reads a log group as any client does, with the one operation that this needs.
type logSource struct {
	url, region    string
	group, pattern string
	start          int64 // the oldest time to look at, in milliseconds

	seen map[string]int64 // times of the events that were shown and may come again, by their ids
}

// lateEvents is how far back, in milliseconds, a follower looks again: instances do not write at the same moment.
const lateEvents = 5000

// logEvent is an event of a group.
type logEvent struct {
	EventID   string `json:"eventId"`
	Message   string `json:"message"`
	Timestamp int64  `json:"timestamp"`
}

// errNoGroup says that there is no such group.
var errNoGroup = errors.New("the specified log group does not exist")

// read shows the events that it has not shown yet.
func (s *logSource) read(ctx context.Context, show func(logEvent) error) error {
	request := map[string]any{"logGroupName": s.group, "startTime": s.start}
	if s.pattern != "" {
		request["filterPattern"] = s.pattern
	}
	newest := s.start
	defer func() { s.forget(newest - lateEvents) }()
	for {
		var page struct {
			Events    []logEvent `json:"events"`
			NextToken string     `json:"nextToken"`
		}
		if err := s.call(ctx, request, &page); err != nil {
			return err
		}
		for _, e := range page.Events {
			if _, again := s.seen[e.EventID]; again {
				continue
			}
			newest = max(newest, e.Timestamp)
			s.seen[e.EventID] = e.Timestamp
			if err := show(e); err != nil {
				return err
			}
		}
		if page.NextToken == "" {
			return nil
		}
		request["nextToken"] = page.NextToken
	}
}

// forget gives up what happened before a time.
func (s *logSource) forget(before int64) {
	s.start = max(s.start, before)
	maps.DeleteFunc(s.seen, func(_ string, at int64) bool { return at < s.start })
}

// call sends a signed FilterLogEvents.
func (s *logSource) call(ctx context.Context, request, answer any) error {
	credentials := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if credentials.AccessKeyID == "" {
		credentials.AccessKeyID, credentials.SecretAccessKey = "test", "test"
	}
	caller := sdkhttp.Caller{URL: s.url, Region: s.region, Credentials: credentials, HTTP: http.DefaultClient}
	err := caller.Target(ctx, "logs", "1.1", "Logs_20140328.FilterLogEvents", request, answer)
	var refusal *sdkhttp.Refusal
	if errors.As(err, &refusal) && refusal.Code == "ResourceNotFoundException" {
		return fmt.Errorf("log group %s: %w", s.group, errNoGroup)
	}
	return err
}
