package sqs

import (
	"encoding/base64"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// maxListed is the most queues that one answer has.
const maxListed = 1000

// page is what a list of queues is to return. As on AWS there is a token for the rest only when the caller had said how
// many it wants.
type page struct {
	limit   int
	after   string // the name after which it goes on
	subject string // what else the request says, which must not change on the way
	asked   bool   // how many was said
}

// newPage reads the parameters of a list.
func newPage(limit *int, token *string, subject string) (page, error) {
	p := page{limit: maxListed, subject: subject, asked: limit != nil}
	if limit != nil {
		p.limit = *limit
	}
	if p.limit < 1 || p.limit > maxListed {
		return p, invalidValue(
			"Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.")
	}
	if protocol.Value(token) == "" {
		return p, nil
	}
	text, err := base64.URLEncoding.DecodeString(*token)
	after, made, ok := strings.Cut(string(text), "/")
	if err != nil || !ok || !queue.ValidName(after) {
		return p, invalidValue("Invalid or expired next token.")
	}
	if made != subject {
		return p, invalidValue("Invalid NextToken value. If you are passing in NextToken, you must not change the other " +
			"request parameters.")
	}
	p.after = after
	return p, nil
}

// next is the token for the rest.
func (p page) next(names []string, more bool) *string {
	if !more || !p.asked {
		return nil
	}
	return new(base64.URLEncoding.EncodeToString([]byte(names[len(names)-1] + "/" + p.subject)))
}

// urls are the URLs of the caller's queues of these names.
func urls(call protocol.Call, names []string) []string {
	var all []string
	for _, n := range names {
		all = append(all, queueURL(call, queue.Name{Account: call.Account, Region: call.Region, Name: n}))
	}
	return all
}
