package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/mapping"
)

// metrics are what Prometheus reads. The registry is the server's own, so that several servers fit in one process.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(r rooms) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "millrace_requests_total",
			Help: "Requests answered, by service, operation, HTTP status and the code of the error.",
		}, []string{"service", "operation", "status", "error"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "millrace_request_seconds",
			Help:    "How long answering took, by service and operation.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14),
		}, []string{"service", "operation"}),
	}
	m.registry.MustRegister(
		m.requests, m.seconds, mappingCollector{r.mappings}, droppedLines(r.logs),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// observe counts an answer of the AWS API. What clients make up has no part in the labels: an operation that is not
// offered is counted without its name.
func (m *metrics) observe(call protocol.Call, a protocol.Answered) {
	m.requests.WithLabelValues(call.Service, call.Operation, strconv.Itoa(a.Status), a.Code).Inc()
	m.seconds.WithLabelValues(call.Service, call.Operation).Observe(a.Duration.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// mappingCollector reads the mappings' own counts when Prometheus asks.
type mappingCollector struct {
	mappings *mapping.Service
}

var mappingLabels = []string{"mapping", "stream", "function"}

func mappingDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("millrace_mapping_"+name, help, append(mappingLabels[:len(mappingLabels):len(mappingLabels)], labels...), nil)
}

var (
	descPolled      = mappingDesc("polled_records_total", "Records read from the stream.")
	descFilteredOut = mappingDesc("filtered_out_records_total", "Records that no filter matched.")
	descInvocations = mappingDesc("invocations_total", "Invocations of the function, retries included.")
	descRetries     = mappingDesc("retries_total", "Invocations that repeated a batch.")
	descSplits      = mappingDesc("splits_total", "Batches cut in two after an error.")
	descThrottles   = mappingDesc("throttles_total", "Attempts that did not reach the function.")
	descDelivered   = mappingDesc("delivered_records_total", "Records that the function took.")
	descDiscarded   = mappingDesc("discarded_records_total", "Records given up.")
	descDocuments   = mappingDesc("documents_total", "Documents of given up records that their destination took.")
	descUndelivered = mappingDesc("document_failures_total", "Documents that were dropped since their destination did not take them.")
	descIteratorAge = mappingDesc("iterator_age_seconds", "How old the last record of the newest batch was when it was handed to the function.")
	descPutToInvoke = mappingDesc("put_to_invoke_seconds", "From the arrival of a record to the start of its first invocation.", "quantile")
)

// Describe implements prometheus.Collector.
func (c mappingCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descPolled, descFilteredOut, descInvocations, descRetries, descSplits, descThrottles, descDelivered, descDiscarded, descDocuments,
		descUndelivered, descPutToInvoke,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c mappingCollector) Collect(to chan<- prometheus.Metric) {
	for _, m := range c.mappings.All() {
		stats, err := c.mappings.Stats(m.UUID)
		if err != nil {
			continue // deleted meanwhile
		}
		labels := []string{m.UUID, m.Source.Name, m.Function.ARN()}
		for _, count := range []struct {
			desc  *prometheus.Desc
			value uint64
		}{
			{descPolled, stats.Polled},
			{descFilteredOut, stats.FilteredOut},
			{descInvocations, stats.Invocations},
			{descRetries, stats.Retries},
			{descSplits, stats.Splits},
			{descThrottles, stats.Throttles},
			{descDelivered, stats.Delivered},
			{descDiscarded, stats.Discarded},
			{descDocuments, stats.Documents},
			{descUndelivered, stats.DocumentFailures},
		} {
			to <- prometheus.MustNewConstMetric(count.desc, prometheus.CounterValue, float64(count.value), labels...)
		}
		to <- prometheus.MustNewConstMetric(descIteratorAge, prometheus.GaugeValue, stats.IteratorAge.Seconds(), labels...)
		for quantile, value := range map[string]time.Duration{"0.5": stats.PutToInvoke.P50, "0.9": stats.PutToInvoke.P90, "0.99": stats.PutToInvoke.P99} {
			to <- prometheus.MustNewConstMetric(descPutToInvoke, prometheus.GaugeValue, value.Seconds(), append(labels[:3:3], quantile)...)
		}
	}
}
