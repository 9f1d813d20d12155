// Package protocol is the wire: it takes an HTTP request for any of AWS's services, finds out which operation of
// which service is meant, judges it in the order AWS does, lets the service's door answer, and writes the answer in
// the protocol that was spoken.
//
// A request goes through these steps; the first that fails answers.
//
//	size      a body over the bound is refused before it is read                 body.go, budget.go
//	inflate   a compressed body, for services that take them; bounded again      gzip.go
//	route     rpc-v2-cbor's path, X-Amz-Target, REST path, query's Action         handler.go, rpc.go, rest.go
//	form      method, empty body, content type, syntax (awsJson)                  json.go
//	caller    who signs: header or presigned URL                                  signature.go, refusal.go
//	types     the first value of a wrong type, in AWS's words                     jsonwire, cborwire
//	limits    all broken constraints, in AWS's grammar                            constraint, judge.go
//	may       whether the caller may do that, in AWS's words                     signature.go
//	run       the door's method                                                   judge.go
//	answer    in the protocol spoken; errors by the service's table       answer.go, json.go, restjson.go, forms.go
//	events    for operations that answer with a stream of them            eventstream.go
//
// For awsJson the steps "form" come before "caller", as recorded on Kinesis; for REST and query the caller is known
// first, since there the operation alone decides how the body is read. CBOR 1.1 is awsJson in another encoding, and
// rpc-v2-cbor is judged in the same order.
//
// Generated types know nothing of encodings (see package wire). The one of a request is Call.Encoding; what a door
// writes beside its output, the payloads of an event stream's events, it writes with call.Encoding.Append(b, event).
//
// Invariants. A handler holds at most as many bytes of bodies as Config.BodyMemory says, over all requests together: of each its buffer
// or, from when the door has it, the input that was decoded from it, except those under way from the one to the other.
// An answer of events holds one event at a time. Every answer but a 413 carries a request id. A panic of a door ends its own request and no other. The dispatcher
// keeps no state between requests and starts no goroutines.
package protocol
