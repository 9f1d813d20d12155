package protocol_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/aws/cloudwatch"
	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/sqs"
)

// nobody may do anything.
type nobody struct{ asked []string }

func (n *nobody) Authorize(_ context.Context, _ protocol.Call, accesses ...protocol.Access) error {
	for _, a := range accesses {
		n.asked = append(n.asked, a.Action)
	}
	return &protocol.Denied{Message: "no"}
}

// Whatever way a request is spoken, nothing is carried out before leave is given: these doors have nothing behind them, and would
// panic.
func TestDenied(t *testing.T) {
	authorizer := &nobody{}
	h := protocol.NewHandler(protocol.Config{
		Log: slog.New(slog.DiscardHandler), Account: "000000000000", Region: "us-east-1", Authorizer: authorizer,
	}, kinesis.NewService(struct{ kinesis.Operations }{}), lambda.NewService(struct{ lambda.Operations }{}),
		sqs.NewService(struct{ sqs.Operations }{}), cloudwatch.NewService(struct{ cloudwatch.Operations }{}))
	for name, c := range map[string]struct {
		path, service, body string
		header              map[string]string
		status              int
		action              string
	}{
		"json":   {"/", "kinesis", `{"StreamName":"s","ShardCount":1}`, map[string]string{"X-Amz-Target": "Kinesis_20131202.CreateStream", "Content-Type": "application/x-amz-json-1.1"}, 400, "kinesis:CreateStream"},
		"events": {"/", "kinesis", `{"ConsumerARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1","ShardId":"shardId-000000000000","StartingPosition":{"Type":"LATEST"}}`, map[string]string{"X-Amz-Target": "Kinesis_20131202.SubscribeToShard", "Content-Type": "application/x-amz-json-1.1"}, 400, "kinesis:SubscribeToShard"},
		"rest":   {"/2015-03-31/functions/f/invocations", "lambda", `{}`, nil, 403, "lambda:Invoke"},
		"query":  {"/", "sqs", "Action=CreateQueue&QueueName=q&Version=2012-11-05", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 403, "sqs:CreateQueue"},
		"rpc":    {"/service/GraniteServiceVersion20100801/operation/ListMetrics", "monitoring", "\xa0", map[string]string{"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}, 400, "monitoring:ListMetrics"},
	} {
		authorizer.asked = nil
		r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/"+c.service+"/aws4_request, SignedHeaders=host, Signature=00")
		r.Header.Set("X-Amz-Date", "20260101T000000Z")
		for name, value := range c.header {
			r.Header.Set(name, value)
		}
		got := answer(h, r)
		if got.Code != c.status || !strings.Contains(got.Body.String()+fmt.Sprint(got.Header()), "AccessDenied") || len(authorizer.asked) != 1 || authorizer.asked[0] != c.action {
			t.Errorf("%s: %d %s, asked for %v", name, got.Code, got.Body, authorizer.asked)
		}
	}
	// A signature is over the path without what is empty in it, so such a path is none.
	r := httptest.NewRequest(http.MethodPost, "/2015-03-31/functions//invocations", nil)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=00")
	if got := answer(h, r); !strings.Contains(got.Body.String(), "Unable to determine") {
		t.Errorf("an empty name: %d %s", got.Code, got.Body)
	}
}
