package kinesis

import (
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// Door answers the operations from the room of streams.
type Door struct {
	Streams *stream.Service
}

// New returns the service as the dispatcher wants it.
func New(streams *stream.Service) protocol.Service {
	d := &Door{Streams: streams}
	s := NewService(d)
	s.Access, s.TagActions = d.access, tagActions
	return s
}
