package topic

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What a message to an endpoint can be.
const (
	typeNotification = "Notification"
	typeConfirmation = "SubscriptionConfirmation"
)

// notification is one message to one subscription.
type notification struct {
	kind         string
	topic        Name
	subscription *Subscription
	id           string
	sequence     string // of FIFO topics
	token        string // of confirmations
	text         string
	subject      string
	attributes   map[string]Attribute
	time         time.Time
	trace        string
	version      string // of the signature: 1 or 2, 1 when empty
}

func (n *notification) stamp() string { return n.time.UTC().Format("2006-01-02T15:04:05.000Z") }

// links are the addresses in a message.
func (s *Service) subscribeURL(n *notification) string {
	return s.url + "/?Action=ConfirmSubscription&TopicArn=" + n.topic.ARN() + "&Token=" + url.QueryEscape(n.token)
}

func (s *Service) unsubscribeURL(n *notification) string {
	return s.url + "/?Action=Unsubscribe&SubscriptionArn=" + n.subscription.ARN()
}

// canonical is what is signed: names and values, a line each.
func (s *Service) canonical(n *notification) string {
	lines := [][2]string{{"Message", n.text}, {"MessageId", n.id}}
	if n.kind == typeConfirmation {
		lines = append(lines, [2]string{"SubscribeURL", s.subscribeURL(n)}, [2]string{"Timestamp", n.stamp()}, [2]string{"Token", n.token})
	} else {
		if n.subject != "" {
			lines = append(lines, [2]string{"Subject", n.subject})
		}
		lines = append(lines, [2]string{"Timestamp", n.stamp()})
	}
	lines = append(lines, [2]string{"TopicArn", n.topic.ARN()}, [2]string{"Type", n.kind})
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line[0] + "\n" + line[1] + "\n")
	}
	return b.String()
}

// signed returns the members that say who a message is from.
func (s *Service) signed(ctx context.Context, n *notification) ([][2]string, error) {
	version := n.version
	if version == "" {
		version = "1"
	}
	signature, certificate, err := s.signer.sign(ctx, version, s.canonical(n))
	if err != nil {
		return nil, fmt.Errorf("sign a notification: %w", err)
	}
	return [][2]string{{"SignatureVersion", version}, {"Signature", signature}, {"SigningCertURL", s.url + certificate}}, nil
}

// envelope is the document around a message: AWS's members in AWS's order, with its blanks. Those of FIFO topics are not
// signed.
func (s *Service) envelope(ctx context.Context, n *notification) (string, error) {
	members := [][2]string{{"Type", n.kind}, {"MessageId", n.id}}
	if n.sequence != "" {
		members = append(members, [2]string{"SequenceNumber", n.sequence})
	}
	if n.kind == typeConfirmation {
		members = append(members, [2]string{"Token", n.token})
	}
	members = append(members, [2]string{"TopicArn", n.topic.ARN()})
	if n.subject != "" {
		members = append(members, [2]string{"Subject", n.subject})
	}
	members = append(members, [2]string{"Message", n.text})
	if n.kind == typeConfirmation {
		members = append(members, [2]string{"SubscribeURL", s.subscribeURL(n)})
	}
	members = append(members, [2]string{"Timestamp", n.stamp()})
	if !n.topic.FIFO() {
		signed, err := s.signed(ctx, n)
		if err != nil {
			return "", err
		}
		members = append(members, signed...)
	}
	if n.kind == typeNotification {
		members = append(members, [2]string{"UnsubscribeURL", s.unsubscribeURL(n)})
	}
	var b bytes.Buffer
	for i, m := range members {
		separator := ",\n  "
		if i == 0 {
			separator = "{\n  "
		}
		b.WriteString(separator + quote(m[0]) + " : " + quote(m[1]))
	}
	if len(n.attributes) > 0 {
		b.WriteString(",\n  \"MessageAttributes\" : {\n    " + strings.Join(n.attributeList(" : "), ",\n    ") + "\n  }")
	}
	b.WriteString("\n}")
	return b.String(), nil
}

// attributeList writes the attributes as members of an object.
func (n *notification) attributeList(colon string) []string {
	list := make([]string, 0, len(n.attributes))
	for _, name := range slices.Sorted(maps.Keys(n.attributes)) {
		a := n.attributes[name]
		value := a.Text
		if strings.HasPrefix(a.Type, "Binary") {
			value = base64.StdEncoding.EncodeToString(a.Binary)
		}
		list = append(list, quote(name)+colon+`{"Type":`+quote(a.Type)+`,"Value":`+quote(value)+"}")
	}
	return list
}

// event is the document that a function receives. Two of its names are written in another way than in the envelope.
func (s *Service) event(ctx context.Context, n *notification) ([]byte, error) {
	signed, err := s.signed(ctx, n)
	if err != nil {
		return nil, err
	}
	subject := "null"
	if n.subject != "" {
		subject = quote(n.subject)
	}
	return []byte(`{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":` + quote(n.subscription.ARN()) +
		`,"Sns":{"Type":"Notification","MessageId":` + quote(n.id) + `,"TopicArn":` + quote(n.topic.ARN()) + `,"Subject":` + subject +
		`,"Message":` + quote(n.text) + `,"Timestamp":` + quote(n.stamp()) + `,"SignatureVersion":` + quote(signed[0][1]) +
		`,"Signature":` + quote(signed[1][1]) + `,"SigningCertUrl":` + quote(signed[2][1]) + `,"UnsubscribeUrl":` + quote(s.unsubscribeURL(n)) +
		`,"MessageAttributes":{` + strings.Join(n.attributeList(":"), ",") + `}}}]}`), nil
}
