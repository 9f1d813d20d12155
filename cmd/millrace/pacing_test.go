package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// TestPacing asks for AWS's pace in each of the ways in which a setting is made. Then a shard is polled although nothing is
// ever put, which the mapping's own count of events shows; without it nobody would look again.
// Facts: 2.1.1.
func TestPacing(t *testing.T) {
	for name, ask := range map[string]func(h *house){
		"flag":        func(h *house) { h.flags, h.env = []string{"--aws-pacing", "on"}, []string{"MILLRACE_AWS_PACING=off"} },
		"environment": func(h *house) { h.env = []string{"MILLRACE_AWS_PACING=on"} },
		"file": func(h *house) {
			file := filepath.Join(h.dir, "config")
			h.check(os.WriteFile(file, []byte("aws-pacing on\n"), 0o600))
			h.flags = []string{"--config", file}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			ask(h)
			h.start()
			h.mapPython(lambda.CreateEventSourceMappingInput{
				MetricsConfig: &lambdatypes.EventSourceMappingMetricsConfig{Metrics: []lambdatypes.EventSourceMappingMetric{"EventCount"}},
			})
			list, err := h.lambda.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{})
			h.check(err)
			uuid := *list.EventSourceMappings[0].UUID
			h.await("the shard to be polled four times", func() bool { return h.polls(uuid) >= 4 })
			h.stop()
		})
	}
}

// polls returns how often a mapping whose events are counted has read its stream.
func (h *house) polls(uuid string) (n float64) {
	h.t.Helper()
	got, err := h.cloudwatch().GetMetricStatistics(h.t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("PolledEventCount"), Period: aws.Int32(3600),
		Dimensions: []types.Dimension{{Name: aws.String("EventSourceMappingUUID"), Value: &uuid}},
		Statistics: []types.Statistic{types.StatisticSampleCount},
		StartTime:  aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)),
	})
	h.check(err)
	for _, p := range got.Datapoints {
		n += *p.SampleCount
	}
	return n
}
