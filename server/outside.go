package server

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/mapping"
)

// outsideTimeout bounds one attempt to send a document to an endpoint outside; the mapping makes several.
const outsideTimeout = 20 * time.Second

// replace puts senders to endpoints outside in the place of the rooms, for the services for which there is one. The
// credentials are those of the environment, as AWS's own tools find them; they are looked for when they are first needed.
func (d destination) replace(c Config) error {
	if c.SQSEndpoint == "" && c.SNSEndpoint == "" && c.S3Endpoint == "" {
		return nil
	}
	options, err := config.LoadDefaultConfig(context.Background(),
		config.WithRegion(c.Region), config.WithRetryMaxAttempts(1), config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(outsideTimeout)))
	if err != nil {
		return fmt.Errorf("credentials for endpoints outside: %w", err)
	}
	if c.SQSEndpoint != "" {
		d["sqs"] = outsideQueue{sqs.NewFromConfig(options, func(o *sqs.Options) { o.BaseEndpoint = aws.String(c.SQSEndpoint) })}.send
	}
	if c.SNSEndpoint != "" {
		d["sns"] = outsideTopic{sns.NewFromConfig(options, func(o *sns.Options) { o.BaseEndpoint = aws.String(c.SNSEndpoint) })}.send
	}
	if c.S3Endpoint != "" {
		d["s3"] = outsideBucket{s3.NewFromConfig(options, func(o *s3.Options) {
			o.BaseEndpoint = aws.String(c.S3Endpoint)
			// What every store understands, whoever made it.
			o.UsePathStyle, o.RequestChecksumCalculation = true, aws.RequestChecksumCalculationWhenRequired
		})}.send
	}
	return nil
}

type outsideQueue struct{ client *sqs.Client }

func (o outsideQueue) send(ctx context.Context, to arn.ARN, n mapping.Notice) error {
	there := func(options *sqs.Options) { options.Region = to.Region }
	found, err := o.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{
		QueueName: aws.String(to.Resource), QueueOwnerAWSAccountId: aws.String(to.Account),
	}, there)
	if err != nil {
		return err
	}
	_, err = o.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: found.QueueUrl, MessageBody: aws.String(string(n.Body))}, there)
	return err
}

type outsideTopic struct{ client *sns.Client }

func (o outsideTopic) send(ctx context.Context, to arn.ARN, n mapping.Notice) error {
	_, err := o.client.Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(to.String()), Message: aws.String(string(n.Body)),
	}, func(options *sns.Options) { options.Region = to.Region })
	return err
}

type outsideBucket struct{ client *s3.Client }

func (o outsideBucket) send(ctx context.Context, to arn.ARN, n mapping.Notice) error {
	_, err := o.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(to.Resource), Key: aws.String(n.Key), Body: bytes.NewReader(n.Body), ContentType: aws.String(noticeType),
	}, func(options *s3.Options) { options.Region = n.Region })
	return err
}
