package main

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/millrace/millrace/internal/sdkhttp"
)

// cloudwatch returns a client of the house.
func (h *house) cloudwatch() *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(h.url), HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// TestKillNineKeepsMetrics kills the server the moment it has answered a put of metrics: each answered value is there.
func TestKillNineKeepsMetrics(t *testing.T) {
	h := newHouse(t)
	h.start()
	client := h.cloudwatch()
	begun := time.Now()
	for n := range 3 {
		for range 10 {
			_, err := client.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
				Namespace: aws.String("Shop"), MetricData: []types.MetricDatum{{MetricName: aws.String("Orders"), Value: aws.Float64(1)}},
			})
			h.check(err)
		}
		h.kill()
		h.start()
		got, err := client.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("Shop"), MetricName: aws.String("Orders"), Period: aws.Int32(3600), Statistics: []types.Statistic{types.StatisticSum},
			StartTime: aws.Time(begun.Add(-time.Minute)), EndTime: aws.Time(time.Now().Add(time.Minute)),
		})
		h.check(err)
		if want := float64(10 * (n + 1)); len(got.Datapoints) != 1 || *got.Datapoints[0].Sum != want {
			t.Fatalf("after %d kills there are %v, not %v", n+1, got.Datapoints, want)
		}
	}
	h.stop()
}
