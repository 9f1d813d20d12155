package protocol

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/millrace/millrace/aws/protocol/constraint"
	"github.com/millrace/millrace/aws/protocol/query"
	"github.com/millrace/millrace/aws/protocol/wire"
)

// Service is one service of AWS as the dispatcher sees it. Generated code fills it in from the model.
type Service struct {
	// Name is the name in credential scopes: kinesis.
	Name string
	// TargetPrefix stands before the dot in X-Amz-Target. It is empty when the service does not speak awsJson.
	TargetPrefix string
	// JSONVersion is the version of awsJson, 1.0 or 1.1.
	JSONVersion string
	// CBOR says that the service, which speaks awsJson, also speaks AWS's CBOR 1.1: the same operations and members
	// in another encoding, known by the content type.
	CBOR bool
	// RPCName is how paths of the protocol rpc-v2-cbor call the service: GraniteServiceVersion20100801. It is empty when
	// the service does not speak it.
	RPCName string
	// ErrorNamespace stands before the # in __type, such as com.amazonaws.sqs; empty means the bare name.
	ErrorNamespace string
	// Gzip says that bodies may be compressed. The bounds are for what they hold too.
	Gzip bool
	// REST says that operations are known by method and path.
	REST bool
	// QueryVersion and XMLNamespace belong to the query protocol; empty when the service does not speak it.
	QueryVersion, XMLNamespace string
	// QueryPathMember is the input member that the path of a query request gives when the form does not: SQS's
	// clients post to the URL of the queue.
	QueryPathMember string
	// QueryDetail says that errors of the query protocol have an empty element Detail, as SQS's do.
	QueryDetail bool
	// MaxBodyBytes bounds a request's body.
	MaxBodyBytes int64
	// InternalCode is the code of an internal failure.
	InternalCode string
	// MissingCode, when set, is the code of an absent required member, which the service words in its own way
	// instead of AWS's common grammar.
	MissingCode string
	// InvalidCode, when set, is the code of broken constraints instead of ValidationException.
	InvalidCode string
	// Discreet says that sentences about broken constraints leave out what was sent.
	Discreet bool
	// Errors knows the exceptions of the model by code.
	Errors map[string]ErrorShape
	// Whole, when set, answers all requests of the service itself, as S3's door does, whose bodies stream and whose wire is
	// like no other's. It is handed requests with the call in their context, or the error that says why the caller is
	// refused. Host tells whether an unsigned request to a host is the service's. Only Name matters beside them.
	Whole func(w http.ResponseWriter, r *http.Request, refused error) Outcome
	Host  func(host string) bool
	// Claims, when set, tells which requests are the service's, whatever else they seem to be for; others are not. Whole is
	// handed them with their bodies read, no longer than MaxBodyBytes.
	Claims func(r *http.Request) bool
	// Elsewhere, when set, takes the requests of the service, which does not live in this server; one with Whole does without.
	Elsewhere Elsewhere
	// DeniedCode, when set, is the code in the query protocol of what the caller may not do, instead of AccessDenied.
	DeniedCode string
	// Access says what an operation does, for an Authorizer to judge. An error of it is the answer. When it is nil every
	// operation is an action of its name on everything.
	Access func(ctx context.Context, in Input) ([]Access, error)
	// TagActions are the actions that operations ask for beside their own when their input has tags, on the same resource:
	// TagQueue by CreateQueue. ActionPrefix stands before the colon of all actions when that is not Name.
	TagActions   map[string]string
	ActionPrefix string
	// Anonymous are the operations that need no signature: what the caller knows, such as a token, is enough. Who signs
	// all the same is judged like everybody.
	Anonymous []string
	// Operations are those that are carried out.
	Operations []Operation
	// Unoffered are those of a REST service that the model knows and that are not carried out.
	Unoffered []Operation
}

// actions is what names of actions in policies begin with.
func (s *Service) actions() string {
	if s.ActionPrefix != "" {
		return s.ActionPrefix
	}
	return s.Name
}

// ErrorShape is what the model says of an exception.
type ErrorShape struct {
	Status      int    // of awsJson and rest-json
	Lower       bool   // the text stands under "message", not "Message"
	Typed       bool   // the body has a member "Type"
	QueryCode   string // the code in the query protocol, when it differs
	QueryStatus int    // the status in the query protocol, when it differs
}

// Operation is one operation of a service.
type Operation struct {
	Name string
	// Method, Path and Status are the REST binding. Path has labels: /2015-03-31/functions/{FunctionName}.
	Method, Path string
	Status       int
	// MaxBodyBytes bounds the body when it is smaller than the service's bound; 0 = the service's.
	MaxBodyBytes int64
	// LimitName is how the operation is called in the message about a body that is too large.
	LimitName string
	// NoBody says that no member of the input is in the body, RawBody that the body is a member as it stands.
	NoBody, RawBody bool
	// PayloadType is the content type of an answer whose body is a member as it stands.
	PayloadType string
	// Query describes the input for the query protocol.
	Query *query.Shape
	// Exceptions are the codes of the errors that may end an answer of events, Fault the one that says that something
	// happened that should not have.
	Exceptions []string
	Fault      string
	Handler
}

// Input is the decoded input of an operation. Generated types implement it.
type Input interface {
	// Decode reads the members that are in the body.
	Decode(r wire.Reader)
	// Validate judges all members.
	Validate(c *constraint.Checks)
}

// Output is the output of an operation. Generated types implement it.
type Output interface {
	// Encode writes the members that are in the body.
	wire.Encoder
}

// Handler makes an operation's input and runs it.
type Handler struct {
	new  func() Input
	run  func(ctx context.Context, in Input) (Output, error)
	open func(ctx context.Context, in Input) (EventStream, error) // instead of run, for an answer of events
}

// Input returns an input of the operation with nothing in it.
func (h Handler) Input() Input { return h.new() }

// Accesses are what an operation does, for an Authorizer to judge.
func (s *Service) Accesses(ctx context.Context, in Input) ([]Access, error) {
	operation := CallFrom(ctx).Operation
	accesses := []Access{{Action: s.actions() + ":" + operation, Resource: "*"}}
	if s.Access != nil {
		var err error
		if accesses, err = s.Access(ctx, in); err != nil {
			return nil, err
		}
	}
	keys := requestTags(in)
	if action := s.TagActions[operation]; action != "" && keys != nil && len(accesses) > 0 {
		tagging := accesses[0]
		tagging.Action, tagging.Keys = s.actions()+":"+action, maps.Clone(tagging.Keys)
		accesses = append(accesses, tagging)
	}
	for i := range accesses {
		if accesses[i].Keys == nil && keys != nil {
			accesses[i].Keys = map[string][]string{}
		}
		maps.Copy(accesses[i].Keys, keys)
	}
	return accesses, nil
}

// errNoOutput is a door's mistake: neither output nor error.
var errNoOutput = errors.New("operation returned neither output nor error")

// Handle wraps a door's method.
func Handle[I, O any, PI interface {
	*I
	Input
}, PO interface {
	*O
	Output
}](method func(context.Context, PI) (PO, error)) Handler {
	return Handler{
		new: func() Input { return PI(new(I)) },
		run: func(ctx context.Context, in Input) (Output, error) {
			out, err := method(ctx, in.(PI))
			if err != nil {
				return nil, err
			}
			if out == nil {
				return nil, errNoOutput
			}
			return out, nil
		},
	}
}

// HandleSilent wraps a door's method for an operation without output.
func HandleSilent[I any, PI interface {
	*I
	Input
}](method func(context.Context, PI) error) Handler {
	return Handler{
		new: func() Input { return PI(new(I)) },
		run: func(ctx context.Context, in Input) (Output, error) { return nil, method(ctx, in.(PI)) },
	}
}

// HandleEvents wraps a door's method for an operation that answers with events. It is the door's mistake to return neither
// a stream nor an error.
func HandleEvents[I any, PI interface {
	*I
	Input
}](method func(context.Context, PI) (EventStream, error)) Handler {
	return Handler{
		new: func() Input { return PI(new(I)) },
		open: func(ctx context.Context, in Input) (EventStream, error) {
			stream, err := method(ctx, in.(PI))
			if err == nil && stream == nil {
				err = errNoOutput
			}
			return stream, err
		},
	}
}
