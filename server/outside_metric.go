package server

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/metric"
)

// Bounds of PutMetricData.
const (
	maxData       = 100 // of a request, which may have 1 MiB
	maxDataValues = 150 // of a datum
)

// outsideMetrics puts what is measured into CloudWatch where it lives.
type outsideMetrics struct {
	*outside
	endpoint string
}

// datum is a datum as CloudWatch takes it.
type datum struct {
	Name       string         `json:"MetricName"`
	Dimensions []dimension    `json:"Dimensions,omitempty"`
	Time       int64          `json:"Timestamp"`
	Unit       string         `json:"Unit,omitempty"`
	Values     []float64      `json:"Values,omitempty"`
	Counts     []float64      `json:"Counts,omitempty"`
	Statistics *statisticsSet `json:"StatisticValues,omitempty"`
}

type dimension struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

type statisticsSet struct {
	Count float64 `json:"SampleCount"`
	Sum   float64 `json:"Sum"`
	Min   float64 `json:"Minimum"`
	Max   float64 `json:"Maximum"`
}

// Take implements metric.Elsewhere. A sample that was taken before an error comes again: it counts twice then, which is better than
// not at all, and happens only when there is trouble between requests.
func (o outsideMetrics) Take(ctx context.Context, samples []metric.Sample) error {
	type place struct{ region, namespace string }
	data := map[place][]datum{}
	for _, s := range samples {
		at := place{s.Scope.Region, outsideNamespace(s.Name.Namespace)}
		data[at] = append(data[at], newDatum(s))
	}
	places := make([]place, 0, len(data))
	for at := range data {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.region, b.region), cmp.Compare(a.namespace, b.namespace))
	})
	for _, at := range places {
		for part := range slices.Chunk(data[at], maxData) {
			in := struct {
				Namespace  string  `json:"Namespace"`
				MetricData []datum `json:"MetricData"`
			}{at.namespace, part}
			if err := o.call(ctx, o.endpoint, "monitoring", at.region, "1.0", "GraniteServiceVersion20100801.PutMetricData", in, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// outsideNamespace is where a metric goes elsewhere: nobody but AWS puts metrics into namespaces that begin with AWS/.
func outsideNamespace(namespace string) string {
	if rest, ours := strings.CutPrefix(namespace, "AWS/"); ours {
		return "Millrace/" + rest
	}
	return namespace
}

func newDatum(s metric.Sample) datum {
	d := datum{Name: s.Name.Metric, Time: s.Time.Unix(), Unit: s.Unit}
	for _, x := range s.Name.Dimensions {
		d.Dimensions = append(d.Dimensions, dimension{x.Name, x.Value})
	}
	if values, counts, known := s.Values(); known && len(values) <= maxDataValues {
		d.Values, d.Counts = values, counts
	} else {
		d.Statistics = &statisticsSet{s.Count, s.Sum, s.Min, s.Max}
	}
	return d
}

// noMetrics drops what is measured.
type noMetrics struct{}

// Take implements metric.Elsewhere.
func (noMetrics) Take(context.Context, []metric.Sample) error { return nil }

// metricsElsewhere takes what is measured where CloudWatch does not live here; nil where it does.
func metricsElsewhere(c Config, there *outside) metric.Elsewhere {
	endpoint, away := c.away("monitoring")
	switch {
	case away:
		return outsideMetrics{there, endpoint}
	case endpoint == Off:
		return noMetrics{}
	}
	return nil
}
