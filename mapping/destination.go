package mapping

import (
	"strings"

	"github.com/google/uuid"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/stream"
)

// Notice is a document on its way to a destination.
type Notice struct {
	// Account and Region are the mapping's, Role is the one that its function runs with.
	Account, Region, Role string
	// Body is the document. The destination neither changes nor keeps it.
	Body []byte
	// Key names the object when the destination is a bucket. It is the same for every attempt to send a document.
	Key string
}

// checkDestination accepts the name of a standard queue, of a standard topic, of a bucket, and the empty name.
func checkDestination(name string) error {
	if name == "" {
		return nil
	}
	a, err := arn.Parse(name)
	valid := err == nil && !strings.ContainsAny(a.Resource, ":/*")
	switch {
	case !valid:
	case a.Service == "sqs", a.Service == "sns":
		valid = a.Account != "" && a.Region != "" && !isFIFO(a.Resource)
	case a.Service == "s3":
		valid = a.Account == "" && a.Region == ""
	default:
		valid = false
	}
	if !valid {
		return &DestinationError{ARN: name, Err: ErrDestinationInvalid}
	}
	return nil
}

func isFIFO(resource string) bool { return strings.HasSuffix(resource, ".fifo") }

// isBucket reports whether a destination is a bucket, to which documents go with the event in them.
func isBucket(name string) bool {
	a, err := arn.Parse(name)
	return err == nil && a.Service == "s3"
}

// objectKey is where in a bucket the document of a mapping lies: by the day and the second of the decision, under a name
// that no other has.
func objectKey(mapping string, d *document) string {
	at := d.Time.UTC()
	return "aws/lambda/" + mapping + "/" + d.Shard.ID() + at.Format("/2006/01/02/2006-01-02T15.04.05-") + uuid.NewString()
}

// whole writes the event of all the records, however long it is: as the function was handed it, or would have been.
func (f *eventForm) whole(records []stream.Record, role string, tail []byte) []byte {
	dst := append(make([]byte, 0, int(memory(records))*3/2), eventHead...)
	for i := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = f.appendRecord(dst, &records[i], role)
	}
	return append(dst, tail...)
}
