package lambda_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
)

// TestPagesOfMappings: a page has at most 100 mappings, whatever MaxItems says, and NextMarker only when there are more.
// Facts: 1.6.3.
func TestPagesOfMappings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, stop := openMappings(t)
		defer stop()
		const there = 201
		for i := range there {
			name := fmt.Sprintf("f%d", i)
			create(t, handler, name)
			exchange(t, handler, "POST "+mappingsPath+"\n\n"+overlay(t, goodMapping, `{"FunctionName":"`+name+`"}`))
		}
		client := sdk.New(sdk.Options{
			Region: "eu-west-1", BaseEndpoint: aws.String("http://localhost:4566"), RetryMaxAttempts: 1, HTTPClient: direct{handler},
			Credentials: credentials.NewStaticCredentialsProvider("123456789012", "secret", ""),
		})
		for _, c := range []struct {
			items *int32
			pages []int
		}{
			{nil, []int{100, 100, 1}},
			{aws.Int32(10000), []int{100, 100, 1}},
			{aws.Int32(101), []int{100, 100, 1}},
			{aws.Int32(67), []int{67, 67, 67}},
		} {
			var marker *string
			for i, want := range c.pages {
				page, err := client.ListEventSourceMappings(t.Context(), &sdk.ListEventSourceMappingsInput{MaxItems: c.items, Marker: marker})
				if err != nil {
					t.Fatal(err)
				}
				if marker = page.NextMarker; len(page.EventSourceMappings) != want || (marker == nil) != (i == len(c.pages)-1) {
					t.Errorf("MaxItems %d, page %d has %d mappings, more: %t", aws.ToInt32(c.items), i, len(page.EventSourceMappings), marker != nil)
				}
			}
		}
	})
}
