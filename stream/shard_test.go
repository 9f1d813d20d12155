package stream

import "testing"

func TestParseShardID(t *testing.T) {
	for s, want := range map[string]uint32{
		"shardId-000000000000": 0, "shardId-0": 0, "0": 0, "shard-000000000000": 0, "Whatever-5": 5, "-5": 5,
		"2147483647": 2147483647, "a-00002147483647": 2147483647, "-00002147483647": 2147483647,
	} {
		if got, err := ParseShardID(s); err != nil || got != want {
			t.Errorf("ParseShardID(%q) = %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "shardId-", "shardId", "2147483648", "shardId-002147483648", "ABKLFD8", "2.14E4", "a-b-5", "shardId--1", "shardId-+1", "shardId- 1", "99999999999999999999"} {
		if got, err := ParseShardID(s); err == nil {
			t.Errorf("ParseShardID(%q) = %d", s, got)
		}
	}
	if got := ShardID(19999); got != "shardId-000000019999" {
		t.Error(got)
	}
}

func TestParseARN(t *testing.T) {
	want := Name{"123456789012", "eu-west-1", "some.Stream_1-x"}
	got, err := ParseARN("arn:aws:kinesis:eu-west-1:123456789012:stream/some.Stream_1-x")
	if err != nil || got != want || got.ARN() != "arn:aws:kinesis:eu-west-1:123456789012:stream/some.Stream_1-x" {
		t.Errorf("%v, %v", got, err)
	}
	if got := (Name{"123456789012", "cn-north-1", "s"}).ARN(); got != "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s" {
		t.Error(got)
	}
	for _, bad := range []string{
		"", "s", "arn:aws:kinesis:eu-west-1:123456789012:stream/", "arn:aws:kinesis:eu-west-1:123456789012:stream/a/consumer/b:1",
		"arn:aws:lambda:eu-west-1:123456789012:stream/a", "arn:aws:kinesis::123456789012:stream/a", "arn:aws:kinesis:eu-west-1:1:stream/a",
	} {
		if got, err := ParseARN(bad); err == nil {
			t.Errorf("ParseARN(%q) = %v", bad, got)
		}
	}
}
