package lambda_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const ordersARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"

// direct carries the client's requests to a handler without sockets, so that a bubble of virtual time can hold both.
type direct struct{ handler http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	r.Host = r.URL.Host
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	answer := w.Result()
	answer.Header = http.Header{}
	for name, values := range w.Header() { // whoever reads an answer from a socket sees names in the form of net/http
		answer.Header[http.CanonicalHeaderKey(name)] = values
	}
	return answer, nil
}

// TestMappingsWithTheSDK leads mappings through their life with AWS's own client, which judges every answer.
// Facts: 1.1.1, 1.2.15, 1.2.18, 1.3.11, 1.5.15, 1.6.3.
func TestMappingsWithTheSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, stop := openMappings(t)
		defer stop()
		client := sdk.New(sdk.Options{
			Region: "eu-west-1", BaseEndpoint: aws.String("http://localhost:4566"), RetryMaxAttempts: 1, HTTPClient: direct{handler},
			Credentials: credentials.NewStaticCredentialsProvider("123456789012", "secret", ""),
		})
		leadMapping(t.Context(), t, client)
	})
}

func leadMapping(ctx context.Context, t *testing.T, client *sdk.Client) {
	t.Helper()
	asked := time.Now().Add(-time.Hour)
	created, err := client.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{
		EventSourceArn: aws.String(ordersARN), FunctionName: aws.String("charge"), BatchSize: aws.Int32(500),
		StartingPosition: types.EventSourcePositionAtTimestamp, StartingPositionTimestamp: &asked,
	})
	if err != nil {
		t.Fatal(err)
	}
	if *created.State != "Creating" || *created.BatchSize != 500 || !created.StartingPositionTimestamp.Equal(asked.Truncate(time.Second)) ||
		*created.LastProcessingResult != "No records processed" || !created.LastModified.Equal(time.Now().Truncate(time.Millisecond)) {
		t.Errorf("%+v", created)
	}
	expectInUse(ctx, t, client, created.UUID)
	<-time.After(time.Second)
	got, err := client.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: created.UUID})
	if err != nil {
		t.Fatal(err)
	}
	if *got.State != "Enabled" || !got.LastModified.Equal(created.LastModified.Truncate(time.Minute)) {
		t.Errorf("%s, changed %v, created %v", *got.State, got.LastModified, created.LastModified)
	}
	updated, err := client.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{
		UUID: created.UUID, MaximumRetryAttempts: aws.Int32(2), MaximumRecordAgeInSeconds: aws.Int32(3600),
		DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:eu-west-1:123456789012:dead")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if *updated.State != "Updating" || *updated.MaximumRetryAttempts != 2 || *updated.BatchSize != 500 || updated.DestinationConfig.OnFailure.Destination == nil {
		t.Errorf("%+v", updated)
	}
	<-time.After(time.Second)
	expectResponsesAndWindow(ctx, t, client, created.UUID)
	expectFilters(ctx, t, client, created.UUID)
	expectPages(ctx, t, client, *created.UUID)
	expectMappingErrors(ctx, t, client)
	expectConsumer(ctx, t, client)
	deleted, err := client.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: created.UUID})
	if err != nil || *deleted.State != "Deleting" {
		t.Errorf("%+v %v", deleted, err)
	}
	<-time.After(time.Second)
	var missing *types.ResourceNotFoundException
	_, err = client.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: created.UUID})
	if !errors.As(err, &missing) || missing.ErrorMessage() != "The resource you requested does not exist." {
		t.Error(err)
	}
}

// expectResponsesAndWindow sets response types and a window, meets what excludes the window, and clears both.
func expectResponsesAndWindow(ctx context.Context, t *testing.T, client *sdk.Client, uuid *string) {
	t.Helper()
	set, err := client.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{
		UUID: uuid, TumblingWindowInSeconds: aws.Int32(120), FunctionResponseTypes: []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
	})
	if err != nil {
		t.Fatal(err)
	}
	if *set.TumblingWindowInSeconds != 120 || !slices.Equal(set.FunctionResponseTypes, []types.FunctionResponseType{"ReportBatchItemFailures"}) {
		t.Errorf("%+v", set)
	}
	<-time.After(time.Second)
	var invalid *types.InvalidParameterValueException
	_, err = client.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{UUID: uuid, ParallelizationFactor: aws.Int32(2)})
	if !errors.As(err, &invalid) || invalid.ErrorMessage() != "Parallelization factor must be equal to 1 when tumbling window period is configured" {
		t.Error(err)
	}
	cleared, err := client.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{
		UUID: uuid, TumblingWindowInSeconds: aws.Int32(0), FunctionResponseTypes: []types.FunctionResponseType{},
	})
	if err != nil || *cleared.TumblingWindowInSeconds != 0 || len(cleared.FunctionResponseTypes) > 0 {
		t.Errorf("%+v %v", cleared, err)
	}
	<-time.After(time.Second)
}

// expectInUse tries to change a mapping in a transition.
func expectInUse(ctx context.Context, t *testing.T, client *sdk.Client, uuid *string) {
	t.Helper()
	var busy *types.ResourceInUseException
	_, err := client.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{UUID: uuid, Enabled: aws.Bool(false)})
	if !errors.As(err, &busy) || busy.ErrorMessage() != "Cannot update the event source mapping because it is in use." {
		t.Error(err)
	}
	_, err = client.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: uuid})
	if !errors.As(err, &busy) || busy.ErrorMessage() != "Cannot delete the event source mapping because it is in use." {
		t.Error(err)
	}
}

// expectFilters gives a mapping filters, sees them kept and shown, and takes them away.
func expectFilters(ctx context.Context, t *testing.T, client *sdk.Client, uuid *string) {
	t.Helper()
	const pattern = `{ "data": { "price": [ { "numeric": [ ">", 100 ] } ] } }`
	update := func(patterns ...string) (*sdk.UpdateEventSourceMappingOutput, error) {
		criteria := &types.FilterCriteria{Filters: []types.Filter{}}
		for _, p := range patterns {
			criteria.Filters = append(criteria.Filters, types.Filter{Pattern: aws.String(p)})
		}
		updated, err := client.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{UUID: uuid, FilterCriteria: criteria})
		<-time.After(time.Second)
		return updated, err
	}
	updated, err := update(pattern, `{"partitionKey":["k"]}`)
	if err != nil || updated.FilterCriteria == nil || len(updated.FilterCriteria.Filters) != 2 || *updated.FilterCriteria.Filters[0].Pattern != pattern {
		t.Fatalf("%+v %v", updated, err)
	}
	var invalid *types.InvalidParameterValueException
	if _, err := update(`{"data":{"a":"x"}}`); !errors.As(err, &invalid) || invalid.ErrorMessage() != "Invalid filter pattern definition." {
		t.Error(err)
	}
	got, err := client.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: uuid})
	if err != nil || got.FilterCriteria == nil || len(got.FilterCriteria.Filters) != 2 {
		t.Errorf("%+v %v", got, err)
	}
	if updated, err = update(); err != nil || updated.FilterCriteria != nil {
		t.Errorf("%+v %v", updated, err)
	}
}

// expectPages makes two more mappings and lists all of them, one a page.
func expectPages(ctx context.Context, t *testing.T, client *sdk.Client, first string) {
	t.Helper()
	want := []string{first}
	for _, name := range []string{"charge:$LATEST", "refund"} {
		created, err := client.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{
			EventSourceArn: aws.String(ordersARN), FunctionName: aws.String(name), StartingPosition: types.EventSourcePositionLatest,
		})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, *created.UUID)
	}
	slices.Sort(want)
	var listed []string
	pages := sdk.NewListEventSourceMappingsPaginator(client, &sdk.ListEventSourceMappingsInput{EventSourceArn: aws.String(ordersARN), MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.EventSourceMappings) != 1 {
			t.Errorf("a page of %d", len(page.EventSourceMappings))
		}
		for _, m := range page.EventSourceMappings {
			listed = append(listed, *m.UUID)
		}
	}
	if !slices.Equal(listed, want) {
		t.Errorf("listed %v, want %v", listed, want)
	}
	charge, err := client.ListEventSourceMappings(ctx, &sdk.ListEventSourceMappingsInput{FunctionName: aws.String("charge")})
	if err != nil || len(charge.EventSourceMappings) != 1 || *charge.EventSourceMappings[0].UUID != first || charge.NextMarker != nil {
		t.Errorf("%+v %v", charge, err)
	}
}

// expectConsumer maps a consumer to a function that its stream is mapped to already.
func expectConsumer(ctx context.Context, t *testing.T, client *sdk.Client) {
	t.Helper()
	create := func(arn string) (*sdk.CreateEventSourceMappingOutput, error) {
		return client.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{
			EventSourceArn: aws.String(arn), FunctionName: aws.String("charge"), StartingPosition: types.EventSourcePositionLatest,
		})
	}
	const fan = ordersARN + "/consumer/fan:946684800"
	created, err := create(fan)
	if err != nil || *created.EventSourceArn != fan {
		t.Fatal(created, err)
	}
	<-time.After(time.Second)
	listed, err := client.ListEventSourceMappings(ctx, &sdk.ListEventSourceMappingsInput{EventSourceArn: aws.String(fan)})
	if err != nil || len(listed.EventSourceMappings) != 1 || *listed.EventSourceMappings[0].UUID != *created.UUID {
		t.Error(listed, err)
	}
	var invalid *types.InvalidParameterValueException
	if _, err := create(fan + "1"); !errors.As(err, &invalid) || invalid.ErrorMessage() != "Stream consumer not found: "+fan+"1" {
		t.Error(err)
	}
	var conflict *types.ResourceConflictException
	if _, err := create(fan); !errors.As(err, &conflict) {
		t.Error(err)
	}
}

// expectMappingErrors makes the client see that its own types of errors come back.
func expectMappingErrors(ctx context.Context, t *testing.T, client *sdk.Client) {
	t.Helper()
	create := func(function string) error {
		_, err := client.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{
			EventSourceArn: aws.String(ordersARN), FunctionName: aws.String(function), StartingPosition: types.EventSourcePositionLatest,
		})
		return err
	}
	var conflict *types.ResourceConflictException
	if err := create("charge"); !errors.As(err, &conflict) || aws.ToString(conflict.Type) != "User" {
		t.Error(err)
	}
	var invalid *types.InvalidParameterValueException
	if err := create("none"); !errors.As(err, &invalid) || invalid.ErrorMessage() != "Function does not exist" {
		t.Error(err)
	}
}
