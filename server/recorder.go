package server

import (
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/metric"
)

// recorder introduces the rooms to the room of metrics: it knows under which names, dimensions and units AWS has what
// they measure.
type recorder struct {
	metrics *metric.Service
}

// The namespaces of AWS.
const (
	namespaceLambda  = "AWS/Lambda"
	namespaceKinesis = "AWS/Kinesis"
	namespaceLogs    = "AWS/Logs"
)

// The units of AWS.
const (
	unitCount        = "Count"
	unitBytes        = "Bytes"
	unitMilliseconds = "Milliseconds"
)

// measure is the name and unit of a metric.
type measure struct{ name, unit string }

// meter makes the meter of a metric with dimensions, which are names and values in turns.
func (r recorder) meter(account, region, namespace string, m measure, dimensions ...string) *metric.Meter {
	name := metric.Name{Namespace: namespace, Metric: m.name}
	for i := 0; i+1 < len(dimensions); i += 2 {
		name.Dimensions = append(name.Dimensions, metric.Dimension{Name: dimensions[i], Value: dimensions[i+1]})
	}
	return r.metrics.Meter(metric.Scope{Account: account, Region: region}, name, m.unit)
}

// meters are meters that share their dimensions, one for each metric of a room.
type meters []*metric.Meter

func (r recorder) meters(account, region, namespace string, measures []measure, dimensions ...string) meters {
	all := make(meters, len(measures))
	for i, m := range measures {
		if m.name != "" {
			all[i] = r.meter(account, region, namespace, m, dimensions...)
		}
	}
	return all
}

// later makes meters when they are first used: much of what there is does nothing for long.
func (r recorder) later(account, region, namespace string, measures []measure, dimensions ...string) func() meters {
	return sync.OnceValue(func() meters { return r.meters(account, region, namespace, measures, dimensions...) })
}

// record takes a sample of what these dimensions have a metric for.
func (m meters) record(i int, v float64) {
	if m[i] != nil {
		m[i].Record(v)
	}
}

// families are meters by the value of a further dimension: a shard, a consumer, a qualifier.
type families[K comparable] struct {
	byKey sync.Map // of meters
	count atomic.Int64
	open  func(key K) meters
}

// maxFamilies bounds families. When there are more, all are forgotten: they are made anew as they are needed.
const maxFamilies = 1000

func (f *families[K]) of(key K) meters {
	if m, ok := f.byKey.Load(key); ok {
		return m.(meters)
	}
	if f.count.Add(1) > maxFamilies {
		f.byKey.Clear()
		f.count.Store(1)
	}
	m, _ := f.byKey.LoadOrStore(key, f.open(key))
	return m.(meters)
}

// mappingMeasures are the metrics of mappings that are known by their function, eventMeasures those known by their UUID.
var (
	mappingMeasures = measures(mapping.Metrics, map[int]measure{
		int(mapping.IteratorAge):                 {"IteratorAge", unitMilliseconds},
		int(mapping.DestinationDeliveryFailures): {"DestinationDeliveryFailures", unitCount},
	})
	resourceMeasures = measures(mapping.Metrics, map[int]measure{
		int(mapping.IteratorAge): {"IteratorAge", unitMilliseconds},
	})
	eventMeasures = measures(mapping.Metrics, map[int]measure{
		int(mapping.PolledEvents):       {"PolledEventCount", unitCount},
		int(mapping.FilteredOutEvents):  {"FilteredOutEventCount", unitCount},
		int(mapping.InvokedEvents):      {"InvokedEventCount", unitCount},
		int(mapping.FailedInvokeEvents): {"FailedInvokeEventCount", unitCount},
		int(mapping.DroppedEvents):      {"DroppedEventCount", unitCount},
		int(mapping.DeliveredEvents):    {"OnFailureDestinationDeliveredEventCount", unitCount},
	})
)

// measures makes a list by metric, with nothing for those that are not named.
func measures[M ~int](n M, named map[int]measure) []measure {
	list := make([]measure, n)
	for i, m := range named {
		list[i] = m
	}
	return list
}

// Mapping implements mapping.Recorder.
func (r recorder) Mapping(uuid string, f function.Ref) mapping.Samples {
	return mappingSamples{
		r.later(f.Account, f.Region, namespaceLambda, mappingMeasures, "FunctionName", f.Name.Name),
		r.later(f.Account, f.Region, namespaceLambda, resourceMeasures, "FunctionName", f.Name.Name, "Resource", resource(f.Name.Name, f.Qualifier)),
		r.later(f.Account, f.Region, namespaceLambda, eventMeasures, "EventSourceMappingUUID", uuid),
	}
}

// resource is what the dimension Resource says: the function, with the qualifier by which it is invoked.
func resource(name, qualifier string) string {
	if qualifier == "" {
		return name
	}
	return name + ":" + qualifier
}

type mappingSamples []func() meters

// Record implements mapping.Samples.
func (s mappingSamples) Record(m mapping.Metric, v float64) {
	for _, meters := range s {
		meters().record(int(m), v)
	}
}

// functionMeasures are the metrics of a function, accountMeasures those of all functions together.
var (
	functionMeasures = measures(function.Metrics, map[int]measure{
		int(function.Invocations):          {"Invocations", unitCount},
		int(function.Errors):               {"Errors", unitCount},
		int(function.Throttles):            {"Throttles", unitCount},
		int(function.Duration):             {"Duration", unitMilliseconds},
		int(function.ConcurrentExecutions): {"ConcurrentExecutions", unitCount},

		int(function.ProvisionedInvocations):          {"ProvisionedConcurrencyInvocations", unitCount},
		int(function.ProvisionedSpilloverInvocations): {"ProvisionedConcurrencySpilloverInvocations", unitCount},
		int(function.ProvisionedConcurrentExecutions): {"ProvisionedConcurrentExecutions", unitCount},
		int(function.ProvisionedUtilization):          {"ProvisionedConcurrencyUtilization", unitCount},

		int(function.AsyncEventsReceived):         {"AsyncEventsReceived", unitCount},
		int(function.AsyncEventAge):               {"AsyncEventAge", unitMilliseconds},
		int(function.AsyncEventsDropped):          {"AsyncEventsDropped", unitCount},
		int(function.DeadLetterErrors):            {"DeadLetterErrors", unitCount},
		int(function.DestinationDeliveryFailures): {"DestinationDeliveryFailures", unitCount},
		int(function.RecursiveInvocationsDropped): {"RecursiveInvocationsDropped", unitCount},

		int(function.URLRequests): {"UrlRequestCount", unitCount},
		int(function.URL4xx):      {"Url4xxCount", unitCount},
		int(function.URL5xx):      {"Url5xxCount", unitCount},
		int(function.URLLatency):  {"UrlRequestLatency", unitMilliseconds},
	})
	accountMeasures = measures(function.Metrics, map[int]measure{
		int(function.Invocations):                 {"Invocations", unitCount},
		int(function.Errors):                      {"Errors", unitCount},
		int(function.Throttles):                   {"Throttles", unitCount},
		int(function.Duration):                    {"Duration", unitMilliseconds},
		int(function.AccountConcurrentExecutions): {"ConcurrentExecutions", unitCount},
		int(function.AsyncEventsReceived):         {"AsyncEventsReceived", unitCount},
		int(function.AsyncEventAge):               {"AsyncEventAge", unitMilliseconds},
		int(function.AsyncEventsDropped):          {"AsyncEventsDropped", unitCount},
		int(function.DeadLetterErrors):            {"DeadLetterErrors", unitCount},
		int(function.DestinationDeliveryFailures): {"DestinationDeliveryFailures", unitCount},
		int(function.RecursiveInvocationsDropped): {"RecursiveInvocationsDropped", unitCount},
	})
)

// functionSamples are the meters of a function: its own, those by qualifier, and those of its account.
type functionSamples struct {
	own, account func() meters
	resources    families[string]
}

// Function implements function.Recorder.
func (r recorder) Function(n function.Name) function.Samples {
	s := &functionSamples{
		own:     r.later(n.Account, n.Region, namespaceLambda, functionMeasures, "FunctionName", n.Name),
		account: r.later(n.Account, n.Region, namespaceLambda, accountMeasures),
	}
	s.resources.open = func(qualifier string) meters {
		return r.meters(n.Account, n.Region, namespaceLambda, functionMeasures, "FunctionName", n.Name, "Resource", resource(n.Name, qualifier))
	}
	return s
}

// Record implements function.Samples.
func (s *functionSamples) Record(qualifier string, m function.Metric, v float64) {
	s.own().record(int(m), v)
	s.account().record(int(m), v)
	s.resources.of(qualifier).record(int(m), v)
}
