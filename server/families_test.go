package server

import (
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/metric"
	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/stream"
)

// What clients make up does not fill memory: meters by consumer are forgotten when there are many, and nothing that they
// were told is.
func TestFamiliesAreBounded(t *testing.T) {
	tables := disktest.Memory(t)
	clock := clockwork.NewFakeClockAt(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC))
	metrics, err := metric.New(metric.Config{Store: tables, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	samples := recorder{metrics}.Stream(stream.Name{Account: "000000000000", Region: "us-east-1", Name: "s"})
	samples.RecordConsumer("first", stream.EventRecords, 5)
	for i := range 3 * maxFamilies {
		samples.RecordConsumer("c"+strconv.Itoa(i), stream.EventRecords, 1)
	}
	samples.RecordConsumer("first", stream.EventRecords, 7)
	kept := 0
	samples.(*streamSamples).consumers.byKey.Range(func(any, any) bool { kept++; return true })
	if kept == 0 || kept > maxFamilies {
		t.Errorf("%d families are kept", kept)
	}
	for p, err := range metrics.Points(t.Context(), metric.Query{
		Scope: metric.Scope{Account: "000000000000", Region: "us-east-1"}, Period: time.Minute,
		Name: metric.Name{Namespace: "AWS/Kinesis", Metric: "SubscribeToShardEvent.Records", Dimensions: []metric.Dimension{
			{Name: "StreamName", Value: "s"}, {Name: "ConsumerName", Value: "first"},
		}},
		Start: clock.Now(), End: clock.Now().Add(time.Minute),
	}) {
		if err != nil || p.Sum != 12 || p.Count != 2 {
			t.Error(p, err)
		}
	}
}
