package cloudwatch_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/internal/sdkhttp"
)

// watched counts requests by what they are.
type watched struct {
	http.Handler
	cbor, compressed atomic.Int64
}

func (w *watched) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		w.cbor.Add(1)
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		w.compressed.Add(1)
	}
	w.Handler.ServeHTTP(to, r)
}

// serve puts a house on a socket of the loopback.
func serve(t *testing.T) (*watched, string) {
	t.Helper()
	w := &watched{Handler: newHouse(t, clockwork.NewRealClock(), 0)}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	return w, server.URL
}

// TestSDK puts and gets with AWS's own client, which speaks rpc-v2-cbor and compresses long bodies.
func TestSDK(t *testing.T) {
	w, url := serve(t)
	c := client.New(client.Options{
		BaseEndpoint: aws.String(url), Region: "us-east-1", HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), RequestMinCompressSizeBytes: 10240,
	})
	ctx, now := context.Background(), time.Now()
	dimensions := []types.Dimension{{Name: aws.String("Stage"), Value: aws.String("prod")}}
	var data []types.MetricDatum
	for i := range 500 {
		data = append(data, types.MetricDatum{
			MetricName: aws.String("Latency"), Dimensions: dimensions, Unit: types.StandardUnitMilliseconds,
			Timestamp: aws.Time(now.Add(-time.Hour)), Value: aws.Float64(float64(i + 1)),
		})
	}
	if _, err := c.PutMetricData(ctx, &client.PutMetricDataInput{Namespace: aws.String("App"), MetricData: data}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetMetricStatistics(ctx, &client.GetMetricStatisticsInput{
		Namespace: aws.String("App"), MetricName: aws.String("Latency"), Dimensions: dimensions, Period: aws.Int32(7200),
		StartTime: aws.Time(now.Add(-100 * time.Minute)), EndTime: aws.Time(now),
		Statistics: []types.Statistic{types.StatisticSum, types.StatisticSampleCount},
	})
	if err != nil || len(got.Datapoints) != 1 || *got.Datapoints[0].Sum != 125250 || *got.Datapoints[0].SampleCount != 500 {
		t.Fatal(got, err)
	}
	if want := now.Add(-100 * time.Minute).Truncate(time.Minute); !got.Datapoints[0].Timestamp.Equal(want) {
		t.Errorf("the period begins at %s, not %s", got.Datapoints[0].Timestamp, want)
	}
	seen, err := c.GetMetricData(ctx, &client.GetMetricDataInput{
		StartTime: aws.Time(now.Add(-100 * time.Minute)), EndTime: aws.Time(now),
		MetricDataQueries: []types.MetricDataQuery{
			{Id: aws.String("p"), ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String("App"), MetricName: aws.String("Latency"), Dimensions: dimensions},
				Period: aws.Int32(60), Stat: aws.String("p99"),
			}},
			{Id: aws.String("e"), Expression: aws.String("p * 2"), Label: aws.String("twice")},
		},
	})
	if err != nil || len(seen.MetricDataResults) != 1 || math.Abs(seen.MetricDataResults[0].Values[0]-990) > 20 {
		t.Fatal(seen, err)
	}
	pages := client.NewListMetricsPaginator(c, &client.ListMetricsInput{Namespace: aws.String("App")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil || len(page.Metrics) != 1 || *page.Metrics[0].MetricName != "Latency" {
			t.Fatal(page, err)
		}
	}
	if w.cbor.Load() != 4 || w.compressed.Load() != 1 {
		t.Errorf("%d requests in CBOR, %d compressed", w.cbor.Load(), w.compressed.Load())
	}
	refused(t, c)
}

// refused puts what cannot be, which the client takes for AWS's errors.
func refused(t *testing.T, c *client.Client) {
	ctx := context.Background()
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		_, err := c.PutMetricData(ctx, &client.PutMetricDataInput{
			Namespace: aws.String("App"), MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(v)}},
		})
		var wrong *types.InvalidParameterValueException
		if !errors.As(err, &wrong) {
			t.Errorf("%v: %v", v, err)
		}
	}
	_, err := c.ListMetrics(ctx, &client.ListMetricsInput{NextToken: aws.String("!")})
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "InvalidNextToken" {
		t.Error(err)
	}
	_, err = c.DescribeInsightRules(ctx, &client.DescribeInsightRulesInput{})
	if !errors.As(err, &e) || !strings.HasSuffix(fmt.Sprint(e.ErrorCode()), "UnknownOperationException") {
		t.Error(err)
	}
}

// TestBoto3 does the same with the machine's boto3, whose older versions speak the query protocol.
func TestBoto3(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		t.Skip("no boto3 for ", python)
	}
	_, url := serve(t)
	command := exec.Command(python, "testdata/boto3_test.py", url)
	command.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := command.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Fatalf("%v\n%s", err, out)
	}
}
