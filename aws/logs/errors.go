package logs

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/logs"
)

// codes are AWS's codes and texts for the errors of the room.
var codes = []struct {
	err           error
	code, message string
}{
	{logs.ErrGroupNotFound, ResourceNotFoundException, "The specified log group does not exist."},
	{logs.ErrStreamNotFound, ResourceNotFoundException, "The specified log stream does not exist."},
	{logs.ErrGroupExists, ResourceAlreadyExistsException, "The specified log group already exists"},
	{logs.ErrStreamExists, ResourceAlreadyExistsException, "The specified log stream already exists"},
	{logs.ErrProtected, ValidationException, "The specified log group is protected from deletion."},
	{logs.ErrOrder, InvalidParameterException, "Log events in a single PutLogEvents request must be in chronological order."},
	{logs.ErrSpan, InvalidParameterException, "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."},
	{logs.ErrToken, InvalidParameterException, "The specified nextToken is invalid."},
	{logs.ErrTooManyTags, TooManyTagsException, "The maximum number of tags, 50, is exceeded."},
	{logs.ErrTooManyTails, LimitExceededException, "The limit of concurrent Live Tail sessions is exceeded."},
}

// translate turns an error of the room into AWS's. What it does not know stays as it is, and is an internal failure to
// the client.
func translate(err error) error {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return &protocol.Error{Code: c.code, Message: c.message}
		}
	}
	var large *logs.TooLargeError
	var limit *logs.LimitError
	switch {
	case errors.As(err, &large):
		return invalid("Upload too large: %d bytes exceeds limit of %d", large.Bytes, large.Limit)
	case errors.As(err, &limit):
		return &protocol.Error{Code: LimitExceededException, Message: "Resource limit exceeded."}
	}
	return err
}

func invalid(format string, args ...any) error {
	return &protocol.Error{Code: InvalidParameterException, Message: fmt.Sprintf(format, args...)}
}

// unsupported refuses what is known and not carried out.
func unsupported(what string) error { return invalid("%s is not supported.", what) }
