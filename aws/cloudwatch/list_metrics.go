package cloudwatch

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/metric"
)

// ListMetrics lists the metrics with samples of the last two weeks, 500 a page.
func (d *Door) ListMetrics(ctx context.Context, in *ListMetricsInput) (*ListMetricsOutput, error) {
	if protocol.Value(in.IncludeLinkedAccounts) {
		return nil, foreign("IncludeLinkedAccounts")
	}
	if owner := protocol.Value(in.OwningAccount); owner != "" && owner != protocol.CallFrom(ctx).Account {
		return nil, foreign("OwningAccount")
	}
	f := metric.Filter{Namespace: protocol.Value(in.Namespace), Metric: protocol.Value(in.MetricName), Recent: in.RecentlyActive != nil}
	for _, x := range in.Dimensions {
		f.Dimensions = append(f.Dimensions, metric.Dimension{Name: x.Name, Value: protocol.Value(x.Value)})
	}
	page, next, err := d.Metrics.List(scope(ctx), f, protocol.Value(in.NextToken))
	if err != nil {
		return nil, translate(err)
	}
	out := &ListMetricsOutput{Metrics: make([]Metric, len(page)), NextToken: protocol.Optional(next)}
	for i, n := range page {
		out.Metrics[i] = Metric{Namespace: new(n.Namespace), MetricName: new(n.Metric), Dimensions: dimensionsOf(n)}
	}
	return out, nil
}
