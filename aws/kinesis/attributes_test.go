package kinesis_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/millrace/millrace/stream"
)

// guest is AWS's own client and the stream that it works with.
type guest struct {
	*client.Client
	t   *testing.T
	ctx context.Context
	arn *string
}

// newGuest makes a stream and waits for it.
func newGuest(t *testing.T, in client.CreateStreamInput) *guest {
	t.Helper()
	g := &guest{Client: connect(t, stream.Config{}), t: t, ctx: context.Background()}
	in.StreamName = aws.String("orders")
	if _, err := g.CreateStream(g.ctx, &in); err != nil {
		t.Fatal(err)
	}
	g.arn = g.settled().StreamARN
	return g
}

// settled waits until the stream is ACTIVE.
func (g *guest) settled() *types.StreamDescriptionSummary {
	g.t.Helper()
	wait := func(o *client.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, 10*time.Millisecond
	}
	in := &client.DescribeStreamInput{StreamName: aws.String("orders")}
	if err := client.NewStreamExistsWaiter(g.Client).Wait(g.ctx, in, time.Minute, wait); err != nil {
		g.t.Fatal(err)
	}
	out, err := g.DescribeStreamSummary(g.ctx, &client.DescribeStreamSummaryInput{StreamName: in.StreamName})
	if err != nil {
		g.t.Fatal(err)
	}
	return out.StreamDescriptionSummary
}

func (g *guest) check(_ any, err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

func TestSDKRetentionAndTags(t *testing.T) {
	g := newGuest(t, client.CreateStreamInput{ShardCount: aws.Int32(1), Tags: map[string]string{"made": "with"}})
	g.check(g.IncreaseStreamRetentionPeriod(g.ctx, &client.IncreaseStreamRetentionPeriodInput{StreamARN: g.arn, RetentionPeriodHours: aws.Int32(100)}))
	g.check(g.DecreaseStreamRetentionPeriod(g.ctx, &client.DecreaseStreamRetentionPeriodInput{StreamARN: g.arn, RetentionPeriodHours: aws.Int32(50)}))
	if hours := *g.settled().RetentionPeriodHours; hours != 50 {
		t.Errorf("kept for %d hours", hours)
	}
	_, err := g.DecreaseStreamRetentionPeriod(g.ctx, &client.DecreaseStreamRetentionPeriodInput{StreamARN: g.arn, RetentionPeriodHours: aws.Int32(51)})
	if !errors.As(err, new(*types.InvalidArgumentException)) {
		t.Error(err)
	}

	g.check(g.AddTagsToStream(g.ctx, &client.AddTagsToStreamInput{StreamARN: g.arn, Tags: map[string]string{"a": "1", "b": "2"}}))
	g.check(g.TagResource(g.ctx, &client.TagResourceInput{ResourceARN: g.arn, Tags: map[string]string{"c:d": "3"}}))
	g.check(g.RemoveTagsFromStream(g.ctx, &client.RemoveTagsFromStreamInput{StreamARN: g.arn, TagKeys: []string{"a"}}))
	g.check(g.UntagResource(g.ctx, &client.UntagResourceInput{ResourceARN: g.arn, TagKeys: []string{"made"}}))
	all, err := g.ListTagsForResource(g.ctx, &client.ListTagsForResourceInput{ResourceARN: g.arn})
	if err != nil {
		t.Fatal(err)
	}
	page, err := g.ListTagsForStream(g.ctx, &client.ListTagsForStreamInput{StreamARN: g.arn, Limit: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Tags) != 2 || *all.Tags[1].Key != "c:d" || len(page.Tags) != 1 || *page.Tags[0].Value != "2" || !*page.HasMoreTags {
		t.Errorf("%v, %v", all.Tags, page)
	}
}

func TestSDKMonitoringAndSizes(t *testing.T) {
	g := newGuest(t, client.CreateStreamInput{StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}})
	on, err := g.EnableEnhancedMonitoring(g.ctx, &client.EnableEnhancedMonitoringInput{StreamARN: g.arn, ShardLevelMetrics: []types.MetricsName{types.MetricsNameAll}})
	if err != nil || len(on.CurrentShardLevelMetrics) != 0 || len(on.DesiredShardLevelMetrics) != 7 {
		t.Errorf("%+v, %v", on, err)
	}
	off, err := g.DisableEnhancedMonitoring(g.ctx, &client.DisableEnhancedMonitoringInput{StreamARN: g.arn, ShardLevelMetrics: on.DesiredShardLevelMetrics[1:]})
	if err != nil || !slices.Equal(off.DesiredShardLevelMetrics, on.DesiredShardLevelMetrics[:1]) {
		t.Errorf("%+v, %v", off, err)
	}

	g.check(g.UpdateMaxRecordSize(g.ctx, &client.UpdateMaxRecordSizeInput{StreamARN: g.arn, MaxRecordSizeInKiB: aws.Int32(2048)}))
	g.settled()
	large := make([]byte, 2<<20-1)
	g.check(g.PutRecord(g.ctx, &client.PutRecordInput{StreamARN: g.arn, Data: large, PartitionKey: aws.String("a")}))
	g.check(g.UpdateMaxRecordSize(g.ctx, &client.UpdateMaxRecordSizeInput{StreamARN: g.arn, MaxRecordSizeInKiB: aws.Int32(1024)}))
	if s := g.settled(); *s.MaxRecordSizeInKiB != 1024 || s.RecordDistributionStrategy != types.RecordDistributionStrategyUserPartitionKey {
		t.Errorf("%+v", s)
	}
	_, err = g.PutRecord(g.ctx, &client.PutRecordInput{StreamARN: g.arn, Data: large, PartitionKey: aws.String("a")})
	if !errors.As(err, new(*types.InvalidArgumentException)) {
		t.Errorf("a record as large as before: %v", err)
	}

	warm := &client.UpdateStreamWarmThroughputInput{StreamARN: g.arn, WarmThroughputMiBps: aws.Int32(100)}
	if _, err := g.UpdateStreamWarmThroughput(g.ctx, warm); !errors.As(err, new(*types.InvalidArgumentException)) {
		t.Errorf("warm without a commitment: %v", err)
	}
	begun, err := g.UpdateAccountSettings(g.ctx, &client.UpdateAccountSettingsInput{
		MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentInput{Status: types.MinimumThroughputBillingCommitmentInputStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	settings, err := g.DescribeAccountSettings(g.ctx, &client.DescribeAccountSettingsInput{})
	if c := begun.MinimumThroughputBillingCommitment; err != nil || c.EarliestAllowedEndAt.Sub(*c.StartedAt) != 24*time.Hour ||
		settings.MinimumThroughputBillingCommitment.Status != types.MinimumThroughputBillingCommitmentOutputStatusEnabled {
		t.Errorf("%+v, %+v, %v", c, settings, err)
	}
	g.check(g.UpdateStreamWarmThroughput(g.ctx, warm))
	if s := g.settled(); *s.WarmThroughput.TargetMiBps != 100 || *s.WarmThroughput.CurrentMiBps != 100 {
		t.Errorf("%+v", s.WarmThroughput)
	}
	limits, err := g.DescribeLimits(g.ctx, &client.DescribeLimitsInput{})
	if err != nil || *limits.OnDemandStreamCount != 1 || *limits.OnDemandStreamCountLimit != 50 || *limits.OpenShardCount != 0 || *limits.ShardLimit != 20000 {
		t.Errorf("%+v, %v", limits, err)
	}
}

func TestSDKEncryption(t *testing.T) {
	g := newGuest(t, client.CreateStreamInput{ShardCount: aws.Int32(1)})
	put := func() types.EncryptionType {
		t.Helper()
		one, err := g.PutRecord(g.ctx, &client.PutRecordInput{StreamARN: g.arn, Data: []byte("x"), PartitionKey: aws.String("a")})
		if err != nil {
			t.Fatal(err)
		}
		many, err := g.PutRecords(g.ctx, &client.PutRecordsInput{StreamARN: g.arn, Records: []types.PutRecordsRequestEntry{{Data: []byte("y"), PartitionKey: aws.String("b")}}})
		if err != nil || many.EncryptionType != one.EncryptionType {
			t.Errorf("%q, %q, %v", many.EncryptionType, one.EncryptionType, err)
		}
		return one.EncryptionType
	}
	clear := put()
	g.check(g.StartStreamEncryption(g.ctx, &client.StartStreamEncryptionInput{StreamARN: g.arn, EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/k")}))
	if s := g.settled(); s.EncryptionType != types.EncryptionTypeKms || *s.KeyId != "alias/k" {
		t.Errorf("%+v", s)
	}
	encrypted := put()
	g.check(g.StopStreamEncryption(g.ctx, &client.StopStreamEncryptionInput{StreamARN: g.arn, EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/k")}))
	if s := g.settled(); s.EncryptionType != types.EncryptionTypeNone || s.KeyId != nil {
		t.Errorf("%+v", s)
	}
	if again := put(); clear != "" || encrypted != types.EncryptionTypeKms || again != "" {
		t.Errorf("puts say %q, %q, %q", clear, encrypted, again)
	}
	start, err := g.GetShardIterator(g.ctx, &client.GetShardIteratorInput{StreamARN: g.arn, ShardId: aws.String("0"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	page, err := g.GetRecords(g.ctx, &client.GetRecordsInput{ShardIterator: start.ShardIterator})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []types.EncryptionType
	for _, r := range page.Records {
		kinds = append(kinds, r.EncryptionType)
	}
	if !slices.Equal(kinds, []types.EncryptionType{"", "", "KMS", "KMS", "", ""}) {
		t.Errorf("records say %q", kinds)
	}
}

func TestSDKPoliciesAndDryRuns(t *testing.T) {
	g := newGuest(t, client.CreateStreamInput{ShardCount: aws.Int32(1)})
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kinesis:PutRecord"}]}`
	expect := func(want string) {
		t.Helper()
		got, err := g.GetResourcePolicy(g.ctx, &client.GetResourcePolicyInput{ResourceARN: g.arn})
		if err != nil || *got.Policy != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
	expect("{}")
	g.check(g.PutResourcePolicy(g.ctx, &client.PutResourcePolicyInput{ResourceARN: g.arn, Policy: aws.String(policy)}))
	expect(policy)
	g.check(g.DeleteResourcePolicy(g.ctx, &client.DeleteResourcePolicyInput{ResourceARN: g.arn}))
	expect("{}")
	if _, err := g.DeleteResourcePolicy(g.ctx, &client.DeleteResourcePolicyInput{ResourceARN: g.arn}); !errors.As(err, new(*types.ResourceNotFoundException)) {
		t.Error(err)
	}

	dry := aws.Bool(true)
	_, put := g.PutRecord(g.ctx, &client.PutRecordInput{StreamARN: g.arn, Data: []byte("x"), PartitionKey: aws.String("a"), DryRun: dry})
	_, puts := g.PutRecords(g.ctx, &client.PutRecordsInput{StreamARN: g.arn, Records: []types.PutRecordsRequestEntry{{Data: []byte("y"), PartitionKey: aws.String("b")}}, DryRun: dry})
	at := &client.GetShardIteratorInput{StreamARN: g.arn, ShardId: aws.String("0"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon, DryRun: dry}
	_, seek := g.GetShardIterator(g.ctx, at)
	at.DryRun = nil
	start, err := g.GetShardIterator(g.ctx, at)
	if err != nil {
		t.Fatal(err)
	}
	_, read := g.GetRecords(g.ctx, &client.GetRecordsInput{ShardIterator: start.ShardIterator, DryRun: dry})
	for i, err := range []error{put, puts, seek, read} {
		if !errors.As(err, new(*types.DryRunOperationException)) {
			t.Errorf("dry run %d: %v", i, err)
		}
	}
	page, err := g.GetRecords(g.ctx, &client.GetRecordsInput{ShardIterator: start.ShardIterator})
	if err != nil || len(page.Records) != 0 {
		t.Errorf("dry runs put %d records, %v", len(page.Records), err)
	}
	if _, err := g.ListChannels(g.ctx, &client.ListChannelsInput{}); err == nil {
		t.Error("channels are offered")
	}
}
