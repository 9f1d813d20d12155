package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
)

// outsideTimeout bounds one attempt to send a document to an endpoint outside; the mapping makes several.
const outsideTimeout = 20 * time.Second

// maxOutsideAnswer is how much of an answer is read; a document has a short one.
const maxOutsideAnswer = 64 << 10

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
	there := outside{client: options.HTTPClient, credentials: options.Credentials}
	if c.SNSEndpoint != "" {
		d["sns"] = outsideTopic{there, c.SNSEndpoint}.send
	}
	if c.S3Endpoint != "" {
		d["s3"] = outsideBucket{there, c.S3Endpoint}.send
	}
	return nil
}

type outsideQueue struct{ client *sqs.Client }

func (o outsideQueue) send(ctx context.Context, to arn.ARN, n function.Notice) error {
	there := func(options *sqs.Options) { options.Region = to.Region }
	found, err := o.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{
		QueueName: aws.String(to.Resource), QueueOwnerAWSAccountId: aws.String(to.Account),
	}, there)
	if err != nil {
		return err
	}
	_, err = o.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: found.QueueUrl, MessageBody: aws.String(string(n.Body)), MessageAttributes: outsideAttributes(n.Attributes),
	}, there)
	return err
}

func outsideAttributes(given []function.Attribute) map[string]types.MessageAttributeValue {
	if len(given) == 0 {
		return nil
	}
	all := make(map[string]types.MessageAttributeValue, len(given))
	for _, a := range given {
		all[a.Name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: aws.String(a.Text)}
	}
	return all
}

// outside sends single requests that are signed as AWS has it. For the one operation that a topic and a bucket are needed
// for, their clients in AWS's SDK would be a tenth of the program.
type outside struct {
	client      aws.HTTPClient
	credentials aws.CredentialsProvider
}

// send signs a request, sends it, and returns an error unless it was answered with success.
func (o outside) send(r *http.Request, service, region string, body []byte) error {
	credentials, err := o.credentials.Retrieve(r.Context())
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	// The path of an object is signed as it stands.
	plain := func(options *v4.SignerOptions) { options.DisableURIPathEscaping = service == "s3" }
	if err := v4.NewSigner(plain).SignHTTP(r.Context(), credentials, r, hash, service, region, time.Now()); err != nil {
		return err
	}
	answer, err := o.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxOutsideAnswer))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", r.Method, r.URL.Redacted(), answer.Status, bytes.TrimSpace(text))
	}
	return err
}

type outsideTopic struct {
	outside
	endpoint string
}

func (o outsideTopic) send(ctx context.Context, to arn.ARN, n function.Notice) error {
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {to.String()}, "Message": {string(n.Body)}}
	for i, a := range n.Attributes {
		entry := "MessageAttributes.entry." + strconv.Itoa(i+1) + "."
		form.Set(entry+"Name", a.Name)
		form.Set(entry+"Value.DataType", a.Type)
		form.Set(entry+"Value.StringValue", a.Text)
	}
	body := []byte(form.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(o.endpoint, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return o.outside.send(r, "sns", to.Region, body)
}

type outsideBucket struct {
	outside
	endpoint string
}

func (o outsideBucket) send(ctx context.Context, to arn.ARN, n function.Notice) error {
	// The bucket's name in the path is what every store understands, whoever made it.
	path := strings.TrimRight(o.endpoint, "/") + "/" + to.Resource + "/" + httpbinding.EscapePath(n.Key, false)
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, path, bytes.NewReader(n.Body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", noticeType)
	return o.outside.send(r, "s3", n.Region, n.Body)
}
