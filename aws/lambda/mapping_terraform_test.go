package lambda_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// terraform does what Terraform's provider does for an aws_lambda_event_source_mapping, call by call.
type terraform struct {
	t      *testing.T
	client *sdk.Client
	uuid   *string
}

// waitFor polls as the provider's waiter does: the pending states pass, a target ends it, any other is an error.
func (p *terraform) waitFor(ctx context.Context, pending, targets []string) *sdk.GetEventSourceMappingOutput {
	p.t.Helper()
	for range 20 {
		got, err := p.client.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: p.uuid})
		switch {
		case err != nil:
			p.t.Fatal(err)
		case slices.Contains(targets, *got.State):
			return got
		case !slices.Contains(pending, *got.State):
			p.t.Fatalf("unexpected state %s, wanted target %v", *got.State, targets)
		}
		<-time.After(250 * time.Millisecond)
	}
	p.t.Fatalf("none of %v is reached", targets)
	return nil
}

// retried makes a call again while the mapping is in use.
func (p *terraform) retried(call func() error) {
	p.t.Helper()
	for range 20 {
		err := call()
		var busy *types.ResourceInUseException
		if !errors.As(err, &busy) {
			if err != nil {
				p.t.Fatal(err)
			}
			return
		}
		<-time.After(250 * time.Millisecond)
	}
	p.t.Fatal("the mapping is in use for ever")
}

func (p *terraform) expectTags(ctx context.Context, mapping *sdk.GetEventSourceMappingOutput, want map[string]string) {
	p.t.Helper()
	got, err := p.client.ListTags(ctx, &sdk.ListTagsInput{Resource: mapping.EventSourceMappingArn})
	if err != nil || !maps.Equal(got.Tags, want) {
		p.t.Errorf("tags are %v and not %v: %v", got, want, err)
	}
}

var (
	terraformPending = []string{"Creating", "Disabling", "Enabling", "Updating"}
	terraformSettled = []string{"Disabled", "Enabled"}
)

// Facts: 1.3.7, 1.6.5.
func TestTerraform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, stop := openMappings(t)
		defer stop()
		p := &terraform{t: t, client: sdk.New(sdk.Options{
			Region: "eu-west-1", BaseEndpoint: aws.String("http://localhost:4566"), RetryMaxAttempts: 1, HTTPClient: direct{handler},
			Credentials: credentials.NewStaticCredentialsProvider("123456789012", "secret", ""),
		})}
		p.apply(t.Context())
		p.destroy(t.Context())
	})
}

// apply creates the resource, reads it, changes its settings and its tags, and disables it.
func (p *terraform) apply(ctx context.Context) {
	p.t.Helper()
	created, err := p.client.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{
		EventSourceArn: aws.String(ordersARN), FunctionName: aws.String("charge"), Enabled: aws.Bool(true),
		StartingPosition: types.EventSourcePositionTrimHorizon, Tags: map[string]string{"env": "test", "team": "a"},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.uuid = created.UUID
	got := p.waitFor(ctx, terraformPending, terraformSettled)
	if *got.State != "Enabled" || *got.EventSourceMappingArn != *created.EventSourceMappingArn {
		p.t.Errorf("%+v", got)
	}
	p.expectTags(ctx, got, map[string]string{"env": "test", "team": "a"})

	// Tags come first, then the settings; no tag call waits for a transition.
	if _, err := p.client.UntagResource(ctx, &sdk.UntagResourceInput{Resource: got.EventSourceMappingArn, TagKeys: []string{"team"}}); err != nil {
		p.t.Error(err)
	}
	if _, err := p.client.TagResource(ctx, &sdk.TagResourceInput{Resource: got.EventSourceMappingArn, Tags: map[string]string{"env": "live"}}); err != nil {
		p.t.Error(err)
	}
	for _, change := range []sdk.UpdateEventSourceMappingInput{
		{BatchSize: aws.Int32(10), MaximumRetryAttempts: aws.Int32(3), FunctionName: aws.String("charge"), Enabled: aws.Bool(true)},
		{Enabled: aws.Bool(false)},
	} {
		p.retried(func() error {
			change.UUID = p.uuid
			_, err := p.client.UpdateEventSourceMapping(ctx, &change)
			return err
		})
		got = p.waitFor(ctx, terraformPending, terraformSettled)
	}
	if *got.State != "Disabled" || *got.BatchSize != 10 || *got.MaximumRetryAttempts != 3 {
		p.t.Errorf("%+v", got)
	}
	p.expectTags(ctx, got, map[string]string{"env": "live"})
}

// destroy deletes the resource and polls until it is not found.
func (p *terraform) destroy(ctx context.Context) {
	p.t.Helper()
	p.retried(func() error {
		_, err := p.client.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: p.uuid})
		return err
	})
	for range 20 {
		got, err := p.client.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: p.uuid})
		var missing *types.ResourceNotFoundException
		if errors.As(err, &missing) {
			return
		}
		if err != nil || *got.State != "Deleting" {
			p.t.Fatalf("%+v %v", got, err)
		}
		<-time.After(250 * time.Millisecond)
	}
	p.t.Error("the mapping is never gone")
}
