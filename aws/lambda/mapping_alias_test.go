package lambda_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/millrace/millrace/stream"
)

// A mapping to an alias runs the version that the alias stands for when a batch is sent, and one to a version that version
// whatever the function has become.
func TestMappingsFollowTheirQualifiers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, streams, stop := openStreams(t)
		defer stop()
		p := newProvider(t, handler)
		function := aws.String("charge")
		p.publish("charge")
		_, err := p.client.UpdateFunctionConfiguration(p.ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: function, Handler: aws.String("fail")})
		p.must(err)
		p.waitUpdate("charge")
		p.publish("charge")
		_, err = p.client.CreateAlias(p.ctx, &sdk.CreateAliasInput{FunctionName: function, Name: aws.String("live"), FunctionVersion: aws.String("1")})
		p.must(err)
		mapped := map[string]*string{}
		for _, qualifier := range []string{"1", "live"} {
			created, err := p.client.CreateEventSourceMapping(p.ctx, &sdk.CreateEventSourceMappingInput{
				EventSourceArn: aws.String(ordersARN), FunctionName: aws.String("charge:" + qualifier), MaximumRetryAttempts: aws.Int32(0),
				StartingPosition: types.EventSourcePositionTrimHorizon,
			})
			p.must(err)
			mapped[qualifier] = created.UUID
		}
		expect := func(qualifier, want string) {
			t.Helper()
			got, err := p.client.GetEventSourceMapping(p.ctx, &sdk.GetEventSourceMappingInput{UUID: mapped[qualifier]})
			p.must(err)
			if *got.LastProcessingResult != want {
				t.Errorf("charge:%s: %s", qualifier, *got.LastProcessingResult)
			}
		}
		put := func() {
			t.Helper()
			_, err := streams.PutOne(p.ctx, stream.Name{Account: "123456789012", Region: "eu-west-1", Name: "orders"}, stream.Entry{PartitionKey: "k", Data: []byte("d")})
			p.must(err)
			<-time.After(time.Minute)
		}
		put()
		expect("1", "OK")
		expect("live", "OK")
		_, err = p.client.UpdateAlias(p.ctx, &sdk.UpdateAliasInput{FunctionName: function, Name: aws.String("live"), FunctionVersion: aws.String("2")})
		p.must(err)
		put()
		expect("1", "OK")
		expect("live", "PROBLEM: Function call failed")
		for _, missing := range []string{"charge:3", "charge:dead"} {
			_, err := p.client.CreateEventSourceMapping(p.ctx, &sdk.CreateEventSourceMappingInput{
				EventSourceArn: aws.String(ordersARN), FunctionName: &missing, StartingPosition: types.EventSourcePositionLatest,
			})
			if err == nil {
				t.Errorf("mapped to %s", missing)
			}
		}
	})
}
