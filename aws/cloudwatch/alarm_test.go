package cloudwatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/cloudwatch"
	"github.com/millrace/millrace/metric"
	"github.com/millrace/millrace/store/disk/disktest"
)

// An alarm on a percentile, and one on an expression, follow what is put.
func TestAlarmsFollowMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tables := disktest.Memory(t)
		clock := clockwork.NewRealClock()
		metrics, err := metric.New(metric.Config{Store: tables, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		alarms, err := alarm.New(t.Context(), alarm.Config{Store: tables, Clock: clock, Reader: cloudwatch.Reader{Metrics: metrics, Clock: clock}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- alarms.Run(ctx) }()
		defer func() { cancel(); <-done }()
		watched := alarm.Query{ID: "m1", Namespace: "N", Metric: "m", Period: 60, Stat: "p90", Dimensions: []alarm.Dimension{{Name: "a", Value: "b"}}}
		hidden := watched
		hidden.Hidden = true
		names := map[string][]alarm.Query{"simple": {watched}, "math": {hidden, {ID: "e1", Expression: "m1 * 10 - 5"}}}
		for name, queries := range names {
			d := alarm.Definition{Queries: queries, Periods: 1, Datapoints: 1, Threshold: 4, Comparison: "GreaterThanThreshold"}
			if err := alarms.Put(ctx, alarm.Name{Account: "000000000000", Region: "us-east-1", Name: name}, d, nil); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(simple, math alarm.State) {
			t.Helper()
			<-time.After(time.Minute)
			synctest.Wait()
			for name, want := range map[string]alarm.State{"simple": simple, "math": math} {
				a, err := alarms.Get(alarm.Name{Account: "000000000000", Region: "us-east-1", Name: name})
				if err != nil || a.State != want {
					t.Errorf("%s is %s (%s), %v", name, a.State, a.Reason, err)
				}
			}
		}
		put := func(values ...float64) {
			t.Helper()
			d := metric.Datum{Name: metric.Name{Namespace: "N", Metric: "m", Dimensions: []metric.Dimension{{Name: "a", Value: "b"}}}, Time: clock.Now()}
			for _, v := range values {
				d.Aggregate.Add(v, 1)
			}
			if err := metrics.Put(ctx, metric.Scope{Account: "000000000000", Region: "us-east-1"}, []metric.Datum{d}); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Second)
		put(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
		expect(alarm.OK, alarm.Alarming)
		put(0, 0, 0, 0, 0, 0, 0, 0, 5, 5)
		expect(alarm.Alarming, alarm.Alarming)
		put(0)
		expect(alarm.OK, alarm.OK)
		<-time.After(3 * time.Minute)
		expect(alarm.Unknown, alarm.Unknown)
	})
}
