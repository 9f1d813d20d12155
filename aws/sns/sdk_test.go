package sns_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/internal/sdkhttp"
)

// TestSDK goes through all operations with AWS's own client.
func TestSDK(t *testing.T) {
	p, ctx := new(postbox), t.Context()
	server := httptest.NewServer(newHouse(t, clockwork.NewRealClock(), p))
	t.Cleanup(server.Close)
	c := client.New(client.Options{
		BaseEndpoint: aws.String(server.URL), Region: "us-east-1", HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	made, err := c.CreateTopic(ctx, &client.CreateTopicInput{Name: aws.String("orders"), Attributes: map[string]string{"DisplayName": "Orders"}})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := c.Subscribe(ctx, &client.SubscribeInput{
		TopicArn: made.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:q"),
		Attributes: map[string]string{"RawMessageDelivery": "true"}, ReturnSubscriptionArn: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]types.MessageAttributeValue{"n": {DataType: aws.String("Number"), StringValue: aws.String("1")}}
	if _, err := c.Publish(ctx, &client.PublishInput{TopicArn: made.TopicArn, Message: aws.String("<a & b>"), MessageAttributes: attributes}); err != nil {
		t.Fatal(err)
	}
	batch, err := c.PublishBatch(ctx, &client.PublishBatchInput{TopicArn: made.TopicArn, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("1"), Message: aws.String("one")}, {Id: aws.String("2"), Message: aws.String("two"), Subject: aws.String(" bad")},
	}})
	if err != nil || len(batch.Successful) != 1 || len(batch.Failed) != 1 || aws.ToString(batch.Failed[0].Code) != "InvalidParameter" {
		t.Errorf("%+v %v", batch, err)
	}
	const want = "to arn:aws:sqs:us-east-1:000000000000:q\n<a & b>\nwith n={Type:Number Text:1 Binary:[]}\nto arn:aws:sqs:us-east-1:000000000000:q\none\n"
	if got := p.empty(); got != want {
		t.Errorf("%q", got)
	}
	if _, err := c.SetTopicAttributes(ctx, &client.SetTopicAttributesInput{
		TopicArn: made.TopicArn, AttributeName: aws.String("DisplayName"), AttributeValue: aws.String("Bills"),
	}); err != nil {
		t.Error(err)
	}
	top, err := c.GetTopicAttributes(ctx, &client.GetTopicAttributesInput{TopicArn: made.TopicArn})
	if err != nil || top.Attributes["DisplayName"] != "Bills" || top.Attributes["SubscriptionsConfirmed"] != "1" || !strings.Contains(top.Attributes["Policy"], *made.TopicArn) {
		t.Errorf("%+v %v", top, err)
	}
	if _, err := c.SetSubscriptionAttributes(ctx, &client.SetSubscriptionAttributesInput{
		SubscriptionArn: sub.SubscriptionArn, AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("false"),
	}); err != nil {
		t.Error(err)
	}
	shown, err := c.GetSubscriptionAttributes(ctx, &client.GetSubscriptionAttributesInput{SubscriptionArn: sub.SubscriptionArn})
	if err != nil || shown.Attributes["RawMessageDelivery"] != "false" {
		t.Errorf("%+v %v", shown, err)
	}
	listed, err := c.ListSubscriptionsByTopic(ctx, &client.ListSubscriptionsByTopicInput{TopicArn: made.TopicArn})
	if err != nil || len(listed.Subscriptions) != 1 || *listed.Subscriptions[0].SubscriptionArn != *sub.SubscriptionArn {
		t.Errorf("%+v %v", listed, err)
	}
	if all, err := c.ListSubscriptions(ctx, &client.ListSubscriptionsInput{}); err != nil || len(all.Subscriptions) != 1 {
		t.Errorf("%+v %v", all, err)
	}
	if _, err := c.Unsubscribe(ctx, &client.UnsubscribeInput{SubscriptionArn: sub.SubscriptionArn}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteTopic(ctx, &client.DeleteTopicInput{TopicArn: made.TopicArn}); err != nil {
		t.Error(err)
	}
	if topics, err := c.ListTopics(ctx, &client.ListTopicsInput{}); err != nil || len(topics.Topics) != 0 {
		t.Errorf("%+v %v", topics, err)
	}
	var missing *types.NotFoundException
	if _, err := c.Publish(ctx, &client.PublishInput{TopicArn: made.TopicArn, Message: aws.String("x")}); !errors.As(err, &missing) {
		t.Error(err)
	}
}

// TestPagesOfTopics goes through more topics than a page has.
func TestPagesOfTopics(t *testing.T) {
	ctx := t.Context()
	server := httptest.NewServer(newHouse(t, clockwork.NewRealClock(), new(postbox)))
	t.Cleanup(server.Close)
	c := client.New(client.Options{
		BaseEndpoint: aws.String(server.URL), Region: "us-east-1", HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	for i := range 101 {
		name := "t" + strings.Repeat("x", i)
		if _, err := c.CreateTopic(ctx, &client.CreateTopicInput{Name: &name}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for pages := client.NewListTopicsPaginator(c, &client.ListTopicsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Topics)
	}
	if n != 101 {
		t.Errorf("%d topics are listed", n)
	}
}
