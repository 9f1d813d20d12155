package iam

import (
	"context"
	"net/url"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

// Door carries the operations out on the room's identities.
type Door struct {
	Identities *identity.Service
}

// New returns the service to hand to the dispatcher.
func New(identities *identity.Service) protocol.Service {
	d := &Door{Identities: identities}
	s := NewService(d)
	s.Access, s.TagActions, s.Discreet = d.access, tagActions, true
	return s
}

func role(ctx context.Context, name string) identity.Name {
	return identity.Name{Account: protocol.CallFrom(ctx).Account, Kind: identity.Role, Name: name}
}

func user(ctx context.Context, name string) identity.Name {
	return identity.Name{Account: protocol.CallFrom(ctx).Account, Kind: identity.User, Name: name}
}

func group(ctx context.Context, name string) identity.Name {
	return identity.Name{Account: protocol.CallFrom(ctx).Account, Kind: identity.Group, Name: name}
}

// self is the user that an operation means when it names none: whoever calls, without a name when that is the account itself.
func self(ctx context.Context, name *string) (identity.Name, error) {
	if name != nil {
		return user(ctx, *name), nil
	}
	caller := protocol.CallFrom(ctx).Caller.ARN
	if strings.HasSuffix(caller, ":root") {
		return user(ctx, ""), nil
	}
	_, own, ok := strings.Cut(caller, ":user/")
	if !ok {
		return identity.Name{}, errNobody
	}
	return user(ctx, own[strings.LastIndexByte(own, '/')+1:]), nil
}

var errNobody = fault(ErrorValidationError, "Must specify userName when calling with non-User credentials")

func entityName(e *identity.Entity) string { return e.Name.Name }

// encoded is a policy as answers hold it: percent-encoded, as RFC 3986 has it.
func encoded(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// pageSize is how many things a list shows when the client does not say.
const pageSize = 100

func size(most *int) int {
	if most == nil {
		return pageSize
	}
	return *most
}

// page cuts a sorted list at a marker, which is the name of the last thing that was shown.
func page[T any](all []T, name func(T) string, marker *string, most *int) (some []T, truncated *bool, next *string) {
	for len(all) > 0 && marker != nil && name(all[0]) <= *marker {
		all = all[1:]
	}
	n := min(len(all), size(most))
	return all[:n], new(n < len(all)), after(all[:n], name, n < len(all))
}

// after is the marker behind a page, when there is more.
func after[T any](shown []T, name func(T) string, more bool) *string {
	if !more || len(shown) == 0 {
		return nil
	}
	return new(name(shown[len(shown)-1]))
}
