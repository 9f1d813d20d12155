package logs

import (
	"context"
	"slices"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/logs"
)

// maxDescribed is how many groups or streams a page has.
const maxDescribed = 50

// DescribeLogGroups lists groups in the order of their names.
func (d *Door) DescribeLogGroups(ctx context.Context, in *DescribeLogGroupsRequest) (*DescribeLogGroupsResponse, error) {
	if isTrue(in.IncludeLinkedAccounts) {
		return nil, unsupported("includeLinkedAccounts")
	}
	own := protocol.CallFrom(ctx).Account
	if slices.ContainsFunc(in.AccountIdentifiers, func(account string) bool { return account != own }) {
		return nil, unsupported("accountIdentifiers with another account")
	}
	if value(in.LogGroupNamePrefix, "") != "" && value(in.LogGroupNamePattern, "") != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	if value(in.LogGroupClass, LogGroupClassStandard) != LogGroupClassStandard {
		return &DescribeLogGroupsResponse{LogGroups: []LogGroup{}}, nil
	}
	filter := logs.GroupFilter{Prefix: value(in.LogGroupNamePrefix, ""), Pattern: value(in.LogGroupNamePattern, "")}
	for _, identifier := range in.LogGroupIdentifiers {
		n, err := identified(ctx, identifier)
		if err != nil {
			return nil, err
		}
		filter.Names = append(filter.Names, n.Group)
	}
	var after string
	if err := readToken(in.NextToken, &after); err != nil {
		return nil, err
	}
	page, next, err := d.Logs.Groups(ctx, scope(ctx), filter, after, value(in.Limit, maxDescribed))
	if err != nil {
		return nil, translate(err)
	}
	out := &DescribeLogGroupsResponse{LogGroups: make([]LogGroup, len(page))}
	for i, g := range page {
		out.LogGroups[i] = groupShape(g)
	}
	if next != "" {
		out.NextToken = token(next)
	}
	return out, nil
}

func groupShape(g logs.Group) LogGroup {
	name := groupARN(g.Name)
	shape := LogGroup{
		LogGroupName: &g.Group, CreationTime: millis(g.Created), MetricFilterCount: new(0), Arn: new(name + ":*"),
		StoredBytes: &g.StoredBytes, LogGroupClass: new(LogGroupClassStandard), LogGroupArn: &name,
		DeletionProtectionEnabled: &g.Protected,
	}
	if g.RetentionDays > 0 {
		shape.RetentionInDays = &g.RetentionDays
	}
	return shape
}
