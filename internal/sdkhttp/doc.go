// Package sdkhttp is how the demo, dev and the commands speak to a server: the HTTP client that they and the tests give to
// AWS's SDK for Go, and signed calls of the operations for which the SDK's clients would be too heavy.
//
// The SDK closes the body of a request as soon as the answer has begun. The standard library's transport may just then
// look whether the body has more bytes than were announced; the SDK's closed body answers that with an error, which the
// transport takes for a request that was not sent whole, and it closes the connection in the middle of the answer ("use of
// closed network connection"). On a busy machine that happens once in some dozens of calls. A body that the transport
// knows to be in memory is not looked at again.
package sdkhttp
