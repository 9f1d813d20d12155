package logs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/logs"
	"github.com/millrace/millrace/logs/pattern"
)

// Door carries the operations out on the room's logs.
type Door struct {
	Logs *logs.Service
}

// New returns the service to hand to the dispatcher.
func New(room *logs.Service) protocol.Service {
	d := &Door{Logs: room}
	s := NewService(d)
	s.Access, s.TagActions = d.access, map[string]string{"CreateLogGroup": "TagResource"}
	return s
}

// scope is the one of who calls.
func scope(ctx context.Context) logs.Scope {
	call := protocol.CallFrom(ctx)
	return logs.Scope{Account: call.Account, Region: call.Region}
}

// named is a group of who calls.
func named(ctx context.Context, group string) logs.Name {
	return logs.Name{Scope: scope(ctx), Group: group}
}

// chosen is the group that an operation names by name or, instead, by an identifier.
func chosen(ctx context.Context, name, identifier *string) (logs.Name, error) {
	switch {
	case name != nil && identifier != nil:
		return logs.Name{}, invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	case name != nil:
		return named(ctx, *name), nil
	case identifier != nil:
		return identified(ctx, *identifier)
	}
	return logs.Name{}, invalid("LogGroup name or LogGroup ARN must be specified.")
}

// groupARN names a group: without the asterisk at the end with which older operations name it.
func groupARN(n logs.Name) string {
	return arn.New("logs", n.Region, n.Account, groupPrefix+n.Group).String()
}

const groupPrefix = "log-group:"

// millis are the milliseconds of a time, nil for none.
func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.UnixMilli())
}

// moment is the opposite.
func moment(ms *int64) *time.Time {
	if ms == nil {
		return nil
	}
	return new(time.UnixMilli(*ms))
}

// value is the value of an optional member, or the given one.
func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func isTrue(p *bool) bool { return value(p, false) }

// token writes where a list goes on.
func token(mark any) *string {
	text, err := json.Marshal(mark)
	if err != nil {
		return nil // marks are plain
	}
	return new(base64.RawURLEncoding.EncodeToString(text))
}

// readToken reads what token wrote.
func readToken(text *string, mark any) error {
	if text == nil {
		return nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(*text)
	if err == nil {
		err = json.Unmarshal(plain, mark)
	}
	if err != nil {
		return translate(logs.ErrToken)
	}
	return nil
}

// match reads a filter pattern.
func match(text *string) (func(message []byte) bool, error) {
	p, err := pattern.Parse(value(text, ""))
	if err != nil {
		return nil, invalid("%s", err)
	}
	if p == nil {
		return nil, nil
	}
	return p.Match, nil
}
