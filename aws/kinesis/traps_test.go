package kinesis_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/stream"
)

// TestScopeOfASignatureDoesNotRoute: signers that do not know the host of an endpoint write an odd service or none.
func TestScopeOfASignatureDoesNotRoute(t *testing.T) {
	h, stop := newHouse(t, stream.Config{})
	defer stop()
	for _, service := range []string{"kinesis", "", "sqs", "127", "execute-api"} {
		r := newRequest("ListStreams", "{}")
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/kinesis/", "/"+service+"/", 1))
		if w := wiretest.Serve(h, r); w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"StreamNames":[]`) {
			t.Errorf("service %q: %d %s", service, w.Code, w.Body)
		}
	}
}

// TestPagesOfShards: a page of ListShards has a thousand, one of DescribeStream a hundred, and all of them come.
func TestPagesOfShards(t *testing.T) {
	const shards = 2100
	c, ctx := connect(t, stream.Config{ShardLimit: shards}), context.Background()
	name := aws.String("orders")
	if _, err := c.CreateStream(ctx, &client.CreateStreamInput{StreamName: name, ShardCount: aws.Int32(shards)}); err != nil {
		t.Fatal(err)
	}
	awaitActive(t, c)
	var sizes []int
	seen := map[string]bool{}
	for in := (&client.ListShardsInput{StreamName: name}); in != nil; {
		page, err := c.ListShards(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Shards {
			seen[*s.ShardId] = true
		}
		sizes = append(sizes, len(page.Shards))
		if in = nil; page.NextToken != nil {
			in = &client.ListShardsInput{NextToken: page.NextToken, MaxResults: aws.Int32(10_000)}
		}
	}
	if len(sizes) != 3 || sizes[0] != 1000 || sizes[1] != 1000 || len(seen) != shards {
		t.Errorf("pages of %v shards, %d different ones", sizes, len(seen))
	}
	described, err := c.DescribeStream(ctx, &client.DescribeStreamInput{StreamName: name, Limit: aws.Int32(10_000)})
	if err != nil || len(described.StreamDescription.Shards) != 100 || !*described.StreamDescription.HasMoreShards {
		t.Errorf("%d shards described, %v", len(described.StreamDescription.Shards), err)
	}
}
