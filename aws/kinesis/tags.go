package kinesis

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

func tagShapes(tags []stream.Tag) []Tag {
	shapes := make([]Tag, len(tags))
	for i := range tags {
		shapes[i] = Tag{Key: tags[i].Key, Value: &tags[i].Value}
	}
	return shapes
}

// tagError words what is wrong with tags; the verb says what was to be done with them. Other errors stay as they are.
// AWS's text names a limit of ten, which is fifty.
func tagError(err error, name stream.Name, verb string) error {
	failed := fmt.Sprintf("Failed to %s stream %s under account %s because ", verb, name.Name, name.Account)
	switch {
	case errors.Is(err, stream.ErrTagCharacters):
		return invalidArgument("Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.")
	case errors.Is(err, stream.ErrTagPercent):
		return invalidArgument(failed + "some tags contained illegal characters. The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.")
	case errors.Is(err, stream.ErrTagReserved):
		return invalidArgument(protocol.ReservedTag)
	case errors.Is(err, stream.ErrTooManyTags):
		return invalidArgument(failed + "a given stream cannot have more than 10 tags associated with it.")
	}
	return err
}
