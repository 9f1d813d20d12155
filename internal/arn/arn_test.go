package arn

import "testing"

func TestParse(t *testing.T) {
	const name = "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:PROD"
	a, err := Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	want := New("lambda", "cn-north-1", "123456789012", "function:f:PROD")
	if a != want || a.String() != name {
		t.Errorf("Parse(%q) = %+v, want %+v", name, a, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, name := range []string{
		"", "arn", "arn:aws:sqs:us-east-1:123456789012", "arn:aws:sqs:us-east-1:123456789012:", "urn:aws:sqs:us-east-1:123456789012:q",
		"arn:aws-cn:sqs:us-east-1:123456789012:q", "arn:aws:sqs:cn-north-1:123456789012:q", "arn:aws-iso:sqs:us-gov-west-1:123456789012:q",
		"arn::sqs:us-east-1:123456789012:q",
	} {
		if a, err := Parse(name); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", name, a)
		}
	}
}

// A name without a region does not say where it is, but it is in one partition only.
func TestIn(t *testing.T) {
	a, err := Parse("arn:aws-cn:s3:::bucket")
	if err != nil || !a.In("cn-north-1") || a.In("us-east-1") || a.In("us-gov-west-1") {
		t.Errorf("%+v %v", a, err)
	}
}

func TestPartition(t *testing.T) {
	for region, want := range map[string]string{"us-east-1": "aws", "cn-northwest-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "eu-west-1": "aws"} {
		if got := Partition(region); got != want {
			t.Errorf("Partition(%q) = %q, want %q", region, got, want)
		}
	}
}
