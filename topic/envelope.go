package topic

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// notification is one message to one subscription.
type notification struct {
	topic        Name
	subscription Subscription
	id           string
	text         string
	subject      string
	attributes   map[string]Attribute
	time         time.Time
	version      string // of the signature: 1 or 2, 1 when empty
}

func (n *notification) stamp() string { return n.time.UTC().Format("2006-01-02T15:04:05.000Z") }

// canonical is what is signed.
func (n *notification) canonical() string {
	var b strings.Builder
	for _, line := range [][2]string{
		{"Message", n.text},
		{"MessageId", n.id},
		{"Subject", n.subject},
		{"Timestamp", n.stamp()},
		{"TopicArn", n.topic.ARN()},
		{"Type", "Notification"},
	} {
		if line[0] != "Subject" || line[1] != "" {
			b.WriteString(line[0] + "\n" + line[1] + "\n")
		}
	}
	return b.String()
}

// envelope is the document around a message: AWS's members in AWS's order, with its blanks.
func (s *Service) envelope(ctx context.Context, n *notification) (string, error) {
	version := n.version
	if version == "" {
		version = "1"
	}
	signature, certificate, err := s.signer.sign(ctx, version, n.canonical())
	if err != nil {
		return "", fmt.Errorf("sign a notification: %w", err)
	}
	members := [][2]string{
		{"Type", "Notification"},
		{"MessageId", n.id},
		{"TopicArn", n.topic.ARN()},
		{"Subject", n.subject},
		{"Message", n.text},
		{"Timestamp", n.stamp()},
		{"SignatureVersion", version},
		{"Signature", signature},
		{"SigningCertURL", s.url + certificate},
		{"UnsubscribeURL", s.url + "/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(n.subscription.ARN())},
	}
	var b bytes.Buffer
	for _, m := range members {
		if m[0] == "Subject" && m[1] == "" {
			continue
		}
		separator := ",\n  "
		if b.Len() == 0 {
			separator = "{\n  "
		}
		b.WriteString(separator + quote(m[0]) + " : " + quote(m[1]))
	}
	if len(n.attributes) > 0 {
		b.WriteString(",\n  \"MessageAttributes\" : {")
		for i, name := range slices.Sorted(maps.Keys(n.attributes)) {
			if i > 0 {
				b.WriteByte(',')
			}
			a := n.attributes[name]
			value := a.Text
			if strings.HasPrefix(a.Type, "Binary") {
				value = base64.StdEncoding.EncodeToString(a.Binary)
			}
			b.WriteString("\n    " + quote(name) + " : {\"Type\":" + quote(a.Type) + ",\"Value\":" + quote(value) + "}")
		}
		b.WriteString("\n  }")
	}
	b.WriteString("\n}")
	return b.String(), nil
}

// quote writes a JSON string. Characters that only HTML must escape stay as they are.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written
	return strings.TrimSuffix(b.String(), "\n")
}
