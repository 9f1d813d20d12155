package cloudwatch

import (
	"context"
	"strings"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/metric"
)

// What a put may hold.
const (
	maxData     = 1000
	maxValues   = 150
	oldestAge   = 14 * 24 * time.Hour
	furthestOff = 2 * time.Hour
)

// PutMetricData adds samples. They are durable when it answers, all of them or none.
func (d *Door) PutMetricData(ctx context.Context, in *PutMetricDataInput) error {
	switch {
	case strings.HasPrefix(in.Namespace, "AWS/"):
		return invalid("The value AWS/ for parameter Namespace is invalid.")
	case !isText(in.Namespace):
		return invalid("The value %s for parameter Namespace is invalid.", in.Namespace)
	case len(in.MetricData) == 0:
		return missing("The parameter MetricData is required.")
	case len(in.MetricData) > maxData:
		return invalid("The collection MetricData must not have a size greater than %d.", maxData)
	}
	data := make([]metric.Datum, len(in.MetricData))
	now := d.Clock.Now()
	for i := range in.MetricData {
		var err error
		if data[i], err = newDatum(memberName("MetricData", i), in.Namespace, &in.MetricData[i], now); err != nil {
			return err
		}
	}
	return translate(d.Metrics.Put(ctx, scope(ctx), data))
}

// newDatum translates a datum; member is its name in messages.
func newDatum(member, namespace string, in *MetricDatum, now time.Time) (metric.Datum, error) {
	datum := metric.Datum{Name: nameOf(namespace, in.MetricName, in.Dimensions), Unit: StandardUnitNone, Time: now}
	if in.Unit != nil {
		datum.Unit = *in.Unit
	}
	if in.Timestamp != nil {
		datum.Time = *in.Timestamp
	}
	switch resolution := protocol.Value(in.StorageResolution); {
	case resolution == 1:
		datum.HighResolution = true
	case in.StorageResolution != nil && resolution != 60:
		return datum, invalid("The parameter %s.StorageResolution must be a value in the set [ 1, 60 ].", member)
	}
	switch {
	case datum.Time.Before(now.Add(-oldestAge)):
		return datum, invalid("The parameter %s.Timestamp must specify a time within the past two weeks.", member)
	case datum.Time.After(now.Add(furthestOff)):
		return datum, invalid("The parameter %s.Timestamp must specify a time no more than two hours in the future.", member)
	case !isText(in.MetricName):
		return datum, invalid("The value %s for parameter %s.MetricName is invalid.", in.MetricName, member)
	}
	if err := checkDimensions(member, in.Dimensions); err != nil {
		return datum, err
	}
	return datum, addSamples(&datum.Aggregate, member, in)
}

// checkDimensions refuses dimensions that are no identity.
func checkDimensions(member string, dimensions []Dimension) error {
	seen := map[string]bool{}
	for i, x := range dimensions {
		at := memberName(member+".Dimensions", i)
		switch {
		case !isText(x.Name) || strings.HasPrefix(x.Name, ":"):
			return invalid("The value %s for parameter %s.Name is invalid.", x.Name, at)
		case !isText(x.Value):
			return invalid("The value %s for parameter %s.Value is invalid.", x.Value, at)
		case seen[x.Name]:
			return invalid("The parameter %s.Dimensions contains the dimension %s more than once.", member, x.Name)
		}
		seen[x.Name] = true
	}
	return nil
}

// isText reports whether a name has only printable ASCII characters, and one at least that can be seen.
func isText(s string) bool {
	return strings.TrimSpace(s) != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
