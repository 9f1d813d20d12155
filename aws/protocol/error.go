package protocol

import "net/http"

// Error is an answer other than success, in AWS's terms. Doors return it; how it is written (which header, which
// spelling of "message", which status) is the protocol's matter and stands in the service's table. Any other error
// that a door returns is an internal failure to the client, and goes whole to the log.
type Error struct {
	// Code is the name of the exception as the model has it: ResourceNotFoundException, QueueDoesNotExist.
	Code string
	// Status is the HTTP status; 0 means the one in the model, or 400 when the model does not know the code.
	Status int
	// Message is for people; it is left out of the answer when empty.
	Message string
	// Fields are further members of the answer's body, in this order. A member that the model binds to a header
	// belongs in Header instead.
	Fields []Field
	// Header is added to the answer's headers.
	Header http.Header
	// Untyped leaves out the member "Type" that bodies of rest-json have: a few answers of AWS lack it.
	Untyped bool

	capital bool // the text stands under "Message" whatever the model says
}

// Field is a further member of an error's body.
type Field struct{ Name, Value string }

// Error returns the code and the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}
