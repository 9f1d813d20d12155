package lambda

import (
	"context"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
)

// Door answers the operations from the rooms of functions and of mappings.
type Door struct {
	Functions *function.Service
	Mappings  *mapping.Service
	// Objects are where code may lie; nil when there are none.
	Objects Objects
	// Judges says that policies are enforced: who calls a URL that asks for no signature has to be allowed to.
	Judges bool
	links  codeLinks
	clock  clockwork.Clock
}

// New returns the door. Links to code are good by the given clock.
func New(functions *function.Service, mappings *mapping.Service, clock clockwork.Clock) *Door {
	return &Door{Functions: functions, Mappings: mappings, links: newCodeLinks(clock), clock: clock}
}

// Service describes the door to the dispatcher.
func (d *Door) Service() protocol.Service {
	s := NewService(d)
	s.Access = d.access
	s.TagActions = map[string]string{"CreateFunction": "TagResource", "CreateEventSourceMapping": "TagResource"}
	return s
}

// functionRef reads a function's name with the qualifier beside it.
func functionRef(ctx context.Context, name string, qualifier *string) (function.Ref, error) {
	call := protocol.CallFrom(ctx)
	ref, err := function.ParseRef(name, call.Account, call.Region)
	if err == nil && qualifier != nil {
		ref, err = ref.With(*qualifier)
	}
	if err == nil {
		return ref, nil
	}
	if known := translateState(err); known != nil {
		return ref, known
	}
	// AWS's pattern lets a few texts pass that name nothing, such as an ARN without a partition.
	return ref, invalid("Value '%s' at 'functionName' is not the name or the ARN of a function.", name)
}

// bareRef is functionRef for what does not tell $LATEST from the function itself.
func bareRef(ctx context.Context, name string, qualifier *string) (function.Ref, error) {
	ref, err := functionRef(ctx, name, qualifier)
	if ref.Qualifier == function.Latest {
		ref.Qualifier = ""
	}
	return ref, err
}

// existing reads the name of a function that an operation changes as a whole. The function is there: what is not is
// not found, whatever is asked of it. Its versions do not change.
func (d *Door) existing(ctx context.Context, name string) (function.Name, error) {
	ref, err := functionRef(ctx, name, nil)
	if err != nil {
		return function.Name{}, err
	}
	if _, err = d.Functions.Find(ctx, ref); err != nil {
		return function.Name{}, translate(err)
	}
	if ref.Qualifier == function.Latest {
		ref.Qualifier = ""
	}
	return ref.Name, wholeOnly(ref)
}

// whole reads the name of a function for an operation that is about none of its versions, and looks it up.
func (d *Door) whole(ctx context.Context, name string) (function.Name, error) {
	ref, err := functionRef(ctx, name, nil)
	if err == nil {
		err = wholeOnly(ref)
	}
	if err == nil {
		_, err = d.Functions.Get(ctx, ref.Name)
	}
	return ref.Name, translate(err)
}

// wholeOnly answers for a version or an alias where only a function can be meant.
func wholeOnly(ref function.Ref) error {
	if ref.Qualifier == "" {
		return nil
	}
	return invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
}
