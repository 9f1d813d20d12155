package signature

// Kind is what is wrong with a signature. How it is worded depends on the protocol.
type Kind int

// The kinds.
const (
	// Missing says that the request is not signed.
	Missing Kind = iota + 1
	// Twice says that it is signed in a header and in the URL.
	Twice
	// Incomplete says that a part of the signature is missing, or cannot be read.
	Incomplete
	// Mechanism says that the header is signed in version 2, of which only URLs are read.
	Mechanism
	// Scope says that the credential is for another service, day or region.
	Scope
	// Unknown says that there is no such key, or that the session token is not the key's.
	Unknown
	// ExpiredToken says that the session is over.
	ExpiredToken
	// Clock says that the time of the signature is too far from the server's.
	Clock
	// Expired says that a presigned URL of S3 is no longer good.
	Expired
	// Unsigned says that there are headers that have to be signed and are not.
	Unsigned
	// Payload says that the hash of the body is missing, or is none.
	Payload
	// Mismatch says that the signature is not the one of the request.
	Mismatch
)

// Fault says why a signature is not believed.
type Fault struct {
	Kind Kind
	// Message is AWS's text where it depends on the request, and empty where each protocol has its own.
	Message string
	// Headers are those that are not signed, in the order of their names.
	Headers []string
}

// Error returns the text.
func (f *Fault) Error() string {
	if f.Message == "" {
		return "signature is not valid"
	}
	return f.Message
}
