package sqs

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// Door carries the operations out on the room's queues.
type Door struct {
	Queues *queue.Service
}

// New returns the service to hand to the dispatcher.
func New(queues *queue.Service) protocol.Service {
	d := &Door{Queues: queues}
	s := NewService(d)
	s.Access, s.TagActions = d.access, map[string]string{"CreateQueue": "TagQueue"}
	return s
}

// queueURL is the URL of a queue, at the address that the client used: some clients send their requests to the URL's
// host, whatever endpoint they were given.
func queueURL(call protocol.Call, name queue.Name) string {
	return call.Scheme + "://" + call.Host + "/" + name.Account + "/" + name.Name
}

var account = regexp.MustCompile(`^[0-9]{12}$`)

// locate finds out which queue a QueueUrl means: the last two segments of its path are the account and the name, and
// the host says nothing. A name alone is one of the caller's. Queues of other accounts cannot be seen.
func locate(call protocol.Call, address string) (queue.Name, error) {
	name := queue.Name{Account: call.Account, Region: call.Region}
	if !strings.Contains(address, "/") && address != "" {
		name.Name = address
		return name, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return name, invalidAddress(address)
	}
	segments := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(segments) < 2 || !account.MatchString(segments[len(segments)-2]) {
		return name, invalidAddress(address)
	}
	name.Name = segments[len(segments)-1]
	if segments[len(segments)-2] != call.Account {
		return name, foreignQueue()
	}
	return name, nil
}

// ask is what every operation on a queue begins with: who calls, and which queue is meant.
func ask(ctx context.Context, address string) (protocol.Call, queue.Name, error) {
	call := protocol.CallFrom(ctx)
	name, err := locate(call, address)
	return call, name, err
}
