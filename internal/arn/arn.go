package arn

import (
	"fmt"
	"strings"
)

// ARN is a parsed name: arn:Partition:Service:Region:Account:Resource.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// String returns the name in its usual form.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// New returns the name of a resource in the partition that the region belongs to.
func New(service, region, account, resource string) ARN {
	return ARN{Partition: Partition(region), Service: service, Region: region, Account: account, Resource: resource}
}

// Parse reads a name. The resource may hold further colons. A region is in one partition; a name that has it in another one
// names nothing, and is refused.
func Parse(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return ARN{}, fmt.Errorf("%q is not an ARN", s)
	}
	a := ARN{parts[1], parts[2], parts[3], parts[4], parts[5]}
	if a.Region != "" && !a.In(a.Region) {
		return ARN{}, fmt.Errorf("%q is of another partition than its region", s)
	}
	return a, nil
}

// In reports whether the name is in the partition of a region, which those of buckets and roles do not say.
func (a ARN) In(region string) bool { return a.Partition == Partition(region) }

// Partition returns the partition of a region: aws, aws-cn or aws-us-gov.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
