package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/millrace/millrace/internal/sdkhttp"
)

// TestKillNineTopics kills the program between the publishes and a web server that is in trouble: what was acknowledged comes
// afterwards.
func TestKillNineTopics(t *testing.T) {
	var (
		trouble atomic.Bool
		mu      sync.Mutex
		token   string
		came    = map[string]bool{}
	)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ Type, Token, Message string }
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		if trouble.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if m.Type == "Notification" {
			came[m.Message] = true
		} else {
			token = m.Token
		}
	}))
	t.Cleanup(web.Close)
	h := newHouse(t)
	h.start()
	client := sns.New(sns.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(h.url), HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	made, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("orders")})
	h.check(err)
	_, err = client.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: made.TopicArn, Protocol: aws.String("http"), Endpoint: aws.String(web.URL),
		Attributes: map[string]string{"DeliveryPolicy": `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":100}}`},
	})
	h.check(err)
	asked := func() string {
		mu.Lock()
		defer mu.Unlock()
		return token
	}
	h.await("the confirmation", func() bool { return asked() != "" })
	_, err = client.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: made.TopicArn, Token: aws.String(asked())})
	h.check(err)
	trouble.Store(true)
	const messages = 50
	for i := range messages {
		_, err := client.Publish(t.Context(), &sns.PublishInput{TopicArn: made.TopicArn, Message: aws.String(fmt.Sprint(i))})
		h.check(err)
	}
	h.kill()
	trouble.Store(false)
	h.start()
	h.await("all messages", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(came) == messages
	})
	h.stop()
}
