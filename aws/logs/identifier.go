package logs

import (
	"context"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/logs"
)

// identified is the group of an identifier: its name or its ARN.
func identified(ctx context.Context, identifier string) (logs.Name, error) {
	if !strings.HasPrefix(identifier, "arn:") {
		return named(ctx, identifier), nil
	}
	return byARN(ctx, identifier)
}

// byARN is the group of an ARN, with or without the asterisk at its end. Groups of others are none of the caller's.
func byARN(ctx context.Context, text string) (logs.Name, error) {
	a, err := arn.Parse(text)
	name, isGroup := strings.CutPrefix(a.Resource, groupPrefix)
	name = strings.TrimSuffix(name, ":*")
	if err != nil || a.Service != "logs" || !isGroup || name == "" || strings.Contains(name, ":") {
		return logs.Name{}, invalid("The specified ARN is invalid.")
	}
	call := protocol.CallFrom(ctx)
	if a.Account != call.Account || a.Region != call.Region {
		return logs.Name{}, translate(logs.ErrGroupNotFound)
	}
	return named(ctx, name), nil
}
