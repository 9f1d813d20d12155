package server_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/millrace/millrace/server"
)

// subscriber is a web server as people write them for SNS: it follows SubscribeURL and keeps what it is told.
type subscriber struct {
	*httptest.Server
	posts chan map[string]string
}

func newSubscriber(t *testing.T) *subscriber {
	t.Helper()
	s := &subscriber{posts: make(chan map[string]string, 100)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m map[string]any
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &m) != nil || r.Header.Get("X-Amz-Sns-Message-Type") != m["Type"] {
			t.Errorf("%v %s", r.Header, body)
		}
		switch r.URL.Path {
		case "/broken":
			w.WriteHeader(http.StatusGone)
		case "/redirect":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		}
		post := map[string]string{"path": r.URL.Path}
		for name, v := range m {
			post[name], _ = v.(string)
		}
		s.posts <- post
	}))
	t.Cleanup(s.Close)
	return s
}

// subscribe subscribes a path of the web server and confirms it as a browser would.
func (s *subscriber) subscribe(t *testing.T, c clients, topic *string, path string, attributes map[string]string) {
	t.Helper()
	out, err := c.sns.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic, Protocol: aws.String("http"), Endpoint: aws.String(s.URL + path), Attributes: attributes,
	})
	if err != nil || *out.SubscriptionArn != "pending confirmation" {
		t.Fatal(out, err)
	}
	m := <-s.posts
	if answer := fetch(t, m["SubscribeURL"]); !strings.Contains(answer, "<ConfirmSubscriptionResult><SubscriptionArn>"+*topic) {
		t.Fatal(answer)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return readAll(t, answer)
}

// genuine verifies a message of signature version 2 with the certificate that it names.
func genuine(t *testing.T, m map[string]string) {
	t.Helper()
	block, _ := pem.Decode([]byte(fetch(t, m["SigningCertURL"])))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, name := range []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"} {
		if m[name] != "" {
			text.WriteString(name + "\n" + m[name] + "\n")
		}
	}
	signature, err := base64.StdEncoding.DecodeString(m["Signature"])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text.String()))
	if err := rsa.VerifyPKCS1v15(certificate.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature); err != nil || m["SignatureVersion"] != "2" {
		t.Error(m, err)
	}
}

func (c clients) topic(t *testing.T, name string, attributes map[string]string) *string {
	t.Helper()
	out, err := c.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return out.TopicArn
}

func (c clients) queue(t *testing.T, name string, attributes map[string]string) (url, arn string) {
	t.Helper()
	out, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl, "arn:aws:sqs:us-east-1:000000000000:" + name
}

// TestWebSubscriber goes the way of a web server: confirmation, signed messages, the link that ends it. A redirect is not
// followed, and what is refused goes to the dead-letter queue.
func TestWebSubscriber(t *testing.T) {
	c, web := connect(start(t)), newSubscriber(t)
	topic := c.topic(t, "orders", map[string]string{"SignatureVersion": "2"})
	_, dead := c.queue(t, "dead", nil)
	redrive := map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`, "FilterPolicy": `{"to":["broken"]}`}
	web.subscribe(t, c, topic, "/", map[string]string{"FilterPolicy": `{"to":[{"anything-but":"broken"},{"exists":false}]}`})
	web.subscribe(t, c, topic, "/broken", redrive)
	web.subscribe(t, c, topic, "/redirect", redrive)
	if _, err := c.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("hello"), Subject: aws.String("about")}); err != nil {
		t.Fatal(err)
	}
	m := <-web.posts
	if m["Message"] != "hello" || m["path"] != "/" {
		t.Error(m)
	}
	genuine(t, m)
	if _, err := c.sns.Publish(t.Context(), &sns.PublishInput{
		TopicArn: topic, Message: aws.String("bad"),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{"to": {DataType: aws.String("String"), StringValue: aws.String("broken")}},
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if body := c.receive(t, "dead", ".*"); !strings.Contains(body, `"Message" : "bad"`) {
			t.Error(body)
		}
		if m := <-web.posts; m["path"] == "/" {
			t.Error("followed a redirect")
		}
	}
	if answer := fetch(t, m["UnsubscribeURL"]); !strings.Contains(answer, "UnsubscribeResponse") {
		t.Error(answer)
	}
	left, err := c.sns.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: topic})
	if err != nil || len(left.Subscriptions) != 2 {
		t.Errorf("%+v %v", left, err)
	}
}

// TestFunctionSubscriber has a function tell what a topic sends it.
func TestFunctionSubscriber(t *testing.T) {
	events := make(chan string, 10)
	told := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		events <- string(body)
	}))
	t.Cleanup(told.Close)
	url := start(t)
	c := connect(url)
	deploy(t, url, "charge", `handle() { printf %s "$event" | curl -sS --data-binary @- `+told.URL+`; }`, "")
	topic := c.topic(t, "orders", nil)
	if _, err := c.sns.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic, Protocol: aws.String("lambda"), Endpoint: aws.String("arn:aws:lambda:us-east-1:000000000000:function:charge"),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	if event := <-events; !strings.Contains(event, `"EventSource":"aws:sns"`) || !strings.Contains(event, `"Message":"hello"`) {
		t.Error(event)
	}
}

// TestFIFOTopic leads a FIFO topic to a FIFO queue and a standard one, which have the messages in order and once.
func TestFIFOTopic(t *testing.T) {
	c := connect(start(t))
	topic := c.topic(t, "orders.fifo", map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"})
	ordered, orderedARN := c.queue(t, "ordered.fifo", map[string]string{"FifoQueue": "true"})
	_, plainARN := c.queue(t, "plain", nil)
	for _, arn := range []string{orderedARN, plainARN} {
		if _, err := c.sns.Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: &arn, Attributes: map[string]string{"RawMessageDelivery": "true"},
		}); err != nil {
			t.Fatal(err)
		}
	}
	texts := []string{"a", "b", "a", "c"}
	var last string
	for _, text := range texts {
		out, err := c.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: &text, MessageGroupId: aws.String("g")})
		if err != nil || out.SequenceNumber == nil {
			t.Fatal(out, err)
		}
		last = max(last, *out.SequenceNumber)
	}
	got, err := c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &ordered, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
	})
	if err != nil || len(got.Messages) != 3 {
		t.Fatalf("%+v %v", got, err)
	}
	for i, want := range []string{"a", "b", "c"} {
		if m := got.Messages[i]; *m.Body != want || m.Attributes["MessageGroupId"] != "g" {
			t.Errorf("%d: %+v", i, m)
		}
	}
	for range 3 {
		c.receive(t, "plain", ".*")
	}
}

// TestUnsignedLinks follows the links in messages where everything else wants a signature.
func TestUnsignedLinks(t *testing.T) {
	address := judging(t, server.AuthIAM)
	c, _ := as(address, root)
	web := newSubscriber(t)
	topic := c.topic(t, "orders", nil)
	web.subscribe(t, c, topic, "/", nil)
	for _, action := range []string{"Publish&Message=x", "DeleteTopic", "ListSubscriptionsByTopic", "GetTopicAttributes"} {
		if answer := fetch(t, address+"/?Version=2010-03-31&TopicArn="+*topic+"&Action="+action); !strings.Contains(answer, "MissingAuthenticationToken") {
			t.Errorf("%s: %s", action, answer)
		}
	}
	publish := func() map[string]string {
		t.Helper()
		if _, err := c.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("hello")}); err != nil {
			t.Fatal(err)
		}
		return <-web.posts
	}
	if answer := fetch(t, publish()["UnsubscribeURL"]); !strings.Contains(answer, "UnsubscribeResponse") {
		t.Error(answer)
	}
	// A confirmation may ask that only who signs ends the subscription.
	if _, err := c.sns.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("http"), Endpoint: aws.String(web.URL + "/kept")}); err != nil {
		t.Fatal(err)
	}
	token := (<-web.posts)["Token"]
	if _, err := c.sns.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{
		TopicArn: topic, Token: &token, AuthenticateOnUnsubscribe: aws.String("true"),
	}); err != nil {
		t.Fatal(err)
	}
	if answer := fetch(t, publish()["UnsubscribeURL"]); !strings.Contains(answer, "AuthorizationError") {
		t.Error(answer)
	}
}
