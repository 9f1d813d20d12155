package queue

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/arn"
)

const (
	// maxNameLength is the longest name of a queue, in bytes.
	maxNameLength = 80
	// fifoSuffix ends the names of FIFO queues, and of no others.
	fifoSuffix = ".fifo"
)

// Name says which queue: its owner's account, its region, and its name there.
type Name struct {
	Account, Region, Name string
}

// ARN returns the queue's Amazon Resource Name.
func (n Name) ARN() string { return arn.New("sqs", n.Region, n.Account, n.Name).String() }

// FIFO reports whether the queue is a FIFO queue. As on AWS the name says so.
func (n Name) FIFO() bool { return strings.HasSuffix(n.Name, fifoSuffix) }

// String returns the ARN, for logs and errors.
func (n Name) String() string { return n.ARN() }

// ParseARN reads the ARN of a queue. It does not say whether the queue exists.
func ParseARN(s string) (Name, error) {
	a, err := arn.Parse(s)
	if err != nil {
		return Name{}, err
	}
	if a.Service != "sqs" || a.Region == "" || a.Account == "" || !ValidName(a.Resource) {
		return Name{}, fmt.Errorf("%q is not the ARN of a queue", s)
	}
	return Name{Account: a.Account, Region: a.Region, Name: a.Resource}, nil
}

// isARN reports whether s has the form of an ARN, of whatever service.
func isARN(s string) bool {
	_, err := arn.Parse(s)
	return err == nil
}

// ValidName reports whether s may name a queue: 1 to 80 letters, digits, hyphens and underscores, of which the last five
// are ".fifo" in the name of a FIFO queue.
func ValidName(s string) bool {
	return len(s) <= maxNameLength && validWord(strings.TrimSuffix(s, fifoSuffix))
}

// validWord reports whether s is made of letters, digits, hyphens and underscores, and is not empty.
func validWord(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != ""
}
