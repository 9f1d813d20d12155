package protocol

import "context"

// Protocol is the way that a request was spoken.
type Protocol int

// The protocols.
const (
	JSON  Protocol = iota // awsJson, or its mirror in CBOR 1.1: POST with X-Amz-Target
	REST                  // rest-json: the path says what is meant
	Query                 // a form with Action; the answer is XML
	RPC                   // Smithy's rpc-v2-cbor: the path names service and operation
	Whole                 // whatever the service makes of it
)

// String names the protocol.
func (p Protocol) String() string {
	switch p {
	case REST:
		return "rest-json"
	case Query:
		return "query"
	case RPC:
		return rpcV2
	case Whole:
		return "whole"
	}
	return "json"
}

// maxTrace bounds the header that says in which trace a request is: AWS's own are much shorter.
const maxTrace = 1024

// Call is what a door knows of its request beside the input.
type Call struct {
	Service     string // kinesis, lambda, sqs
	Operation   string // PutRecord
	Protocol    Protocol
	Encoding    Encoding // of the documents; that of an event stream's events too
	Account     string   // 12 digits
	Region      string
	RequestID   string // a UUID; the client sees it in x-amzn-RequestId
	AccessKeyID string // of the caller, as sent
	Caller      Caller // as the Authenticator knows it
	SourceAddr  string // address and port of the client
	UserAgent   string // as the client sent it
	Trace       string // the header X-Amzn-Trace-Id, as the client sent it; empty when it is too long
	Host        string // as the client used it, with the port if it sent one
	Scheme      string // http or https

	authorizer Authorizer
}

// Authorize is what a door asks before it does more than its service's Access told: nil when the caller may do all of it.
func (c Call) Authorize(ctx context.Context, accesses ...Access) error {
	if c.authorizer == nil {
		return nil
	}
	return c.authorizer.Authorize(ctx, c, accesses...)
}

// Judged reports whether it is asked what the caller may do.
func (c Call) Judged() bool { return c.authorizer != nil }

type callKey struct{}

// callContext is a context that carries a call, and hands it out without a copy in memory of its own.
type callContext struct {
	context.Context
	call Call
}

// Value implements context.Context.
func (c *callContext) Value(key any) any {
	if key == (callKey{}) {
		return &c.call
	}
	return c.Context.Value(key)
}

// WithCall returns a context that carries the call. The dispatcher makes it; tests of doors may.
func WithCall(ctx context.Context, call Call) context.Context { return &callContext{ctx, call} }

// CallFrom returns the call that the context carries, or the zero Call.
func CallFrom(ctx context.Context) Call {
	if call, ok := ctx.Value(callKey{}).(*Call); ok {
		return *call
	}
	return Call{}
}
