package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func watcher(url string) *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		BaseEndpoint: aws.String(url), Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "secret", ""),
	})
}

// sum returns the sum and the number of a metric's samples of the hours around.
func sum(t *testing.T, url, namespace, metric string, dimensions ...string) (sum, samples float64) {
	t.Helper()
	in := &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String(namespace), MetricName: aws.String(metric), Period: aws.Int32(7200),
		StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)),
		Statistics: []types.Statistic{types.StatisticSum, types.StatisticSampleCount},
	}
	for i := 0; i < len(dimensions); i += 2 {
		in.Dimensions = append(in.Dimensions, types.Dimension{Name: &dimensions[i], Value: &dimensions[i+1]})
	}
	got, err := watcher(url).GetMetricStatistics(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got.Datapoints {
		sum, samples = sum+*p.Sum, samples+*p.SampleCount
	}
	return sum, samples
}

// metricsOf lists a namespace: names and dimensions.
func metricsOf(t *testing.T, url, namespace string) (names []string) {
	t.Helper()
	page, err := watcher(url).ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{Namespace: &namespace})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Metrics {
		name := *m.MetricName
		for _, d := range m.Dimensions {
			name += fmt.Sprintf(" %s=%s", *d.Name, *d.Value)
		}
		names = append(names, name)
	}
	return names
}

// A record's way through the house is seen in CloudWatch's metrics, and still there after a restart.
// Facts: 8.1, 8.2, 8.3, 8.4.
func TestTheHouseIsMeasured(t *testing.T) {
	dir, uuid := t.TempDir(), ""
	onDisk := func(c *config) { c.Memory, c.DataDir = false, dir }
	t.Run("while it works", func(t *testing.T) {
		url := startWith(t, onDisk)
		deploy(t, url, "charge", `handle() { echo '{}'; }`, ``)
		must := func(method, path, service, target, body string) string {
			t.Helper()
			status, text := call(t, method, url+path, service, target, body)
			if status >= 300 {
				t.Fatal(status, text)
			}
			return text
		}
		must(http.MethodPost, "/", "kinesis", "Kinesis_20131202.CreateStream", `{"StreamName":"orders","ShardCount":1}`)
		eventually(t, "the stream is there", func() bool {
			_, body := call(t, http.MethodPost, url, "kinesis", "Kinesis_20131202.DescribeStreamSummary", `{"StreamName":"orders"}`)
			return strings.Contains(body, "ACTIVE")
		})
		must(http.MethodPost, "/", "kinesis", "Kinesis_20131202.EnableEnhancedMonitoring", `{"StreamName":"orders","ShardLevelMetrics":["IncomingRecords"]}`)
		created := must(http.MethodPost, "/2015-03-31/event-source-mappings/", "lambda", "", `{"FunctionName":"charge","StartingPosition":"TRIM_HORIZON",`+
			`"EventSourceArn":"arn:aws:kinesis:us-east-1:000000000000:stream/orders","MetricsConfig":{"Metrics":["EventCount"]}}`)
		uuid = strings.Split(created, `"`)[3]
		must(http.MethodPost, "/", "kinesis", "Kinesis_20131202.PutRecord", `{"StreamName":"orders","PartitionKey":"a","Data":"aGVsbG8="}`)
		eventually(t, "the record is invoked", func() bool {
			n, _ := sum(t, url, "AWS/Lambda", "InvokedEventCount", "EventSourceMappingUUID", uuid)
			return n == 1
		})
		expectList(t, metricsOf(t, url, "AWS/Kinesis"), kinesisMetrics)
		expectList(t, metricsOf(t, url, "AWS/Lambda"), strings.ReplaceAll(lambdaMetrics, "UUID=", "UUID="+uuid))
		answer, err := http.Get(url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if page := readAll(t, answer); !strings.Contains(page, "millrace_mapping_iterator_age_seconds{") {
			t.Error("Prometheus is not told of the iterator's age")
		}
	})
	t.Run("after a restart", func(t *testing.T) {
		url := startWith(t, onDisk)
		for _, c := range []struct {
			namespace, metric string
			dimensions        []string
			sum, samples      float64
		}{
			{"AWS/Kinesis", "IncomingBytes", []string{"StreamName", "orders"}, 6, 1},
			{"AWS/Kinesis", "IncomingRecords", []string{"StreamName", "orders", "ShardId", "shardId-000000000000"}, 1, 1},
			{"AWS/Kinesis", "PutRecord.Success", []string{"StreamName", "orders"}, 1, 1},
			{"AWS/Kinesis", "GetRecords.Records", []string{"StreamName", "orders"}, 1, -1},
			{"AWS/Lambda", "Invocations", nil, 1, 1},
			{"AWS/Lambda", "Invocations", []string{"FunctionName", "charge"}, 1, 1},
			{"AWS/Lambda", "Errors", []string{"FunctionName", "charge", "Resource", "charge"}, 0, 1},
			{"AWS/Lambda", "IteratorAge", []string{"FunctionName", "charge"}, -1, 1},
			{"AWS/Lambda", "ConcurrentExecutions", nil, 1, 1},
			{"AWS/Lambda", "PolledEventCount", []string{"EventSourceMappingUUID", uuid}, 1, -1},
			{"AWS/Lambda", "DroppedEventCount", []string{"EventSourceMappingUUID", uuid}, 0, 0},
		} {
			total, samples := sum(t, url, c.namespace, c.metric, c.dimensions...)
			if c.sum >= 0 && total != c.sum || c.samples >= 0 && samples != c.samples {
				t.Errorf("%s %s %v: %v in %v samples", c.namespace, c.metric, c.dimensions, total, samples)
			}
		}
	})
}

func expectList(t *testing.T, got []string, want string) {
	t.Helper()
	if lines := strings.Split(strings.TrimSpace(want), "\n"); !slices.Equal(got, lines) {
		t.Errorf("got\n%s\nand not\n%s", strings.Join(got, "\n"), want)
	}
}

const kinesisMetrics = `
GetRecords.Bytes StreamName=orders
GetRecords.IteratorAgeMilliseconds StreamName=orders
GetRecords.Latency StreamName=orders
GetRecords.Records StreamName=orders
GetRecords.Success StreamName=orders
IncomingBytes StreamName=orders
IncomingRecords ShardId=shardId-000000000000 StreamName=orders
IncomingRecords StreamName=orders
PutRecord.Bytes StreamName=orders
PutRecord.Latency StreamName=orders
PutRecord.Success StreamName=orders
ReadProvisionedThroughputExceeded StreamName=orders
WriteProvisionedThroughputExceeded StreamName=orders
`

const lambdaMetrics = `
ConcurrentExecutions
ConcurrentExecutions FunctionName=charge
ConcurrentExecutions FunctionName=charge Resource=charge
Duration
Duration FunctionName=charge
Duration FunctionName=charge Resource=charge
Errors
Errors FunctionName=charge
Errors FunctionName=charge Resource=charge
FilteredOutEventCount EventSourceMappingUUID=
Invocations
Invocations FunctionName=charge
Invocations FunctionName=charge Resource=charge
InvokedEventCount EventSourceMappingUUID=
IteratorAge FunctionName=charge
IteratorAge FunctionName=charge Resource=charge
PolledEventCount EventSourceMappingUUID=
Throttles
Throttles FunctionName=charge
Throttles FunctionName=charge Resource=charge
`
