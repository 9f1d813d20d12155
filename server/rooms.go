package server

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/cloudwatch"
	"github.com/millrace/millrace/aws/iam"
	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/lambda"
	logsdoor "github.com/millrace/millrace/aws/logs"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/s3"
	"github.com/millrace/millrace/aws/sns"
	"github.com/millrace/millrace/aws/sqs"
	"github.com/millrace/millrace/aws/sts"
	"github.com/millrace/millrace/bucket"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
	"github.com/millrace/millrace/identity"
	"github.com/millrace/millrace/logs"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/metric"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/topic"
)

// rooms are the house without its doors.
type rooms struct {
	streams   *stream.Service
	functions *function.Service
	queues    *queue.Service
	topics    *topic.Service
	buckets   *bucket.Service
	mappings  *mapping.Service
	metrics   *metric.Service
	logs      *logs.Service
	alarms    *alarm.Service

	identities *identity.Service

	outside *outside // nil when all services live here
}

// buildRooms makes the rooms from what the store holds of them. They start nothing.
func buildRooms(c Config, s store.Store, codeDir, url string) (r rooms, err error) {
	if r.outside, err = newOutside(c); err != nil {
		return r, err
	}
	r.metrics, err = metric.New(metric.Config{Store: s, Clock: c.Clock, Log: c.Log, Elsewhere: metricsElsewhere(c, r.outside)})
	if err != nil {
		return r, fmt.Errorf("metrics: %w", err)
	}
	records := recorder{r.metrics}
	r.logs, err = logs.New(logs.Config{Store: s, Clock: c.Clock, Log: c.Log, Recorder: logRecorder{records}, GroupBytes: c.LogGroupBytes, Elsewhere: linesElsewhere(c, r.outside)})
	if err != nil {
		return r, fmt.Errorf("logs: %w", err)
	}
	r.identities, err = identity.New(context.Background(), identity.Config{Store: s, Clock: c.Clock})
	if err != nil {
		return r, fmt.Errorf("identities: %w", err)
	}
	of := &resources{clock: c.Clock} // filled below, with the rooms
	byRole := roles{r.identities, of}
	r.streams, err = stream.New(stream.Config{
		Store: s, Clock: c.Clock, Log: c.Log, TransitionDelay: c.TransitionDelay, TailBytes: c.TailBytes,
		ShardLimits: c.ShardLimits, Recorder: records,
	})
	if err != nil {
		return r, fmt.Errorf("streams: %w", err)
	}
	executor, err := process.New(process.Config{
		Dir: filepath.Join(codeDir, "bootstraps"), EndpointURL: url, Credentials: credentials(c, byRole), RuntimeMatch: process.Match(c.RuntimeMatch), Log: c.Log,
		Isolation: process.Isolation(c.Isolation), Shared: c.Shared, NeverFreeze: c.Freeze == "off",
	})
	if err != nil {
		return r, fmt.Errorf("processes: %w", err)
	}
	anywhere, err := newExecutor(c, executor)
	if err != nil {
		return r, err
	}
	events := eventDestination{destination: make(destination)} // filled below: the rooms that it leads to may need functions
	if c.Auth == AuthIAM {
		events.may = byRole.MaySend
	}
	functions := function.Config{
		Store: s, Clock: c.Clock, Log: c.Log, Executor: anywhere, TransitionDelay: c.TransitionDelay,
		Concurrency: c.Concurrency, MaxInstances: c.MaxInstances, IdleTimeout: c.InstanceIdle, CodeDir: filepath.Join(codeDir, "functions"),
		Recorder: records, Logs: keeper{r.logs.Writer()}, Destination: events,
	}
	if c.Auth == AuthIAM {
		functions.Roles = byRole
	}
	if r.functions, err = function.New(functions); err != nil {
		return r, fmt.Errorf("functions: %w", err)
	}
	r.queues, err = queue.New(context.Background(), queue.Config{Store: s, Clock: c.Clock, Log: c.Log})
	if err != nil {
		return r, fmt.Errorf("queues: %w", err)
	}
	topics := topic.Config{
		Store: s, Clock: c.Clock, Log: c.Log, Deliverer: deliverer(c, r.outside, r.queues), URL: url,
		Invoker: topicInvoker{r.functions}, Poster: newWebPoster(),
	}
	if c.Auth == AuthIAM {
		_, away := c.away("sqs")
		topics.Permission = deliveries{of, away}
	}
	r.topics, err = topic.New(context.Background(), topics)
	if err != nil {
		return r, fmt.Errorf("topics: %w", err)
	}
	r.buckets, err = bucket.New(context.Background(), bucket.Config{Store: s, Clock: c.Clock, Log: c.Log})
	if err != nil {
		return r, fmt.Errorf("buckets: %w", err)
	}
	of.streams, of.functions, of.queues, of.topics = r.streams, r.functions, r.queues, r.topics
	to := newDestination(c, r)
	maps.Copy(events.destination, to)
	actor := alarmActor{topics: to, functions: r.functions}
	if c.Auth == AuthIAM {
		actor.judge, actor.topicsHere = of, c.SNSEndpoint == ""
	}
	r.alarms, err = alarm.New(context.Background(), alarm.Config{
		Store: s, Clock: c.Clock, Log: c.Log, Reader: cloudwatch.Reader{Metrics: r.metrics, Clock: c.Clock}, Actor: actor,
	})
	if err != nil {
		return r, fmt.Errorf("alarms: %w", err)
	}
	mappings := mapping.Config{
		Store: s, Clock: c.Clock, Log: c.Log, TransitionDelay: c.TransitionDelay, StopGrace: c.StopGrace,
		Source: r.streams, Consumers: consumers{r.streams}, Invoker: r.functions, Destination: to, Recorder: records,
		Chance: rand.Float64, HistoryBytes: c.HistoryBytes, DiscardedBatches: c.DiscardedBatches, DiscardedBytes: c.DiscardedBytes,
	}
	if c.Auth == AuthIAM {
		mappings.Permission = byRole
	}
	if c.AWSPacing {
		mappings.Polled = polled{r.streams}
	}
	r.mappings, err = mapping.New(mappings)
	if err != nil {
		return r, fmt.Errorf("mappings: %w", err)
	}
	return r, nil
}

// credentials are where functions get theirs from in the mode of the house.
func credentials(c Config, byRole roles) process.CredentialSource {
	switch c.Auth {
	case AuthIAM:
		return byRole
	case AuthSigned:
		return accounts{byRole}
	}
	return nil
}

// residents are the rooms that run, in the order in which they start: each finds those that it asks already running.
func (r rooms) residents(c Config) []*resident {
	all := []*resident{
		{name: "metrics", run: r.metrics.Run}, // which the others tell what they do until they stop
		{name: "logs", run: r.logs.Run},       // which functions print to until they stop
		{name: "streams", run: r.streams.Run},
		{name: "queues", run: r.queues.Run},
		{name: "buckets", run: r.buckets.Run},
		{name: "functions", run: r.functions.Run},
		{name: "topics", run: r.topics.Run},
	}
	if c.CloudWatchEndpoint == "" { // else what alarms watch is not here
		all = append(all, &resident{name: "alarms", run: r.alarms.Run})
	}
	return append(all, &resident{name: "mappings", run: r.mappings.Run})
}

// doors are those of AWS's services, and what serves the archives of functions beside them.
func (r rooms) doors(c Config) ([]protocol.Service, http.Handler) {
	functions := lambda.New(r.functions, r.mappings, c.Clock)
	functions.Objects, functions.Judges = codeBuckets(c, r), c.Auth == AuthIAM
	return []protocol.Service{
		kinesis.New(r.streams), functions.Service(), functions.URLService(), iam.New(r.identities), sts.New(r.identities),
		c.move(sqs.New(r.queues), r.outside),
		c.move(sns.New(r.topics), r.outside),
		c.move(s3.New(r.buckets), r.outside),
		c.move(cloudwatch.New(r.metrics, r.alarms, c.Clock), r.outside),
		c.move(logsdoor.New(r.logs), r.outside),
	}, functions.CodeHandler()
}

// routes puts the pages of our own beside the doors of AWS's.
func (s *Server) routes() http.Handler {
	metrics := newMetrics(s.rooms)
	services, code := s.rooms.doors(s.config)
	config := protocol.Config{
		Log: s.log, Account: s.config.Account, Region: s.config.Region, Observe: metrics.observe,
		Authenticator: s.authenticator(),
	}
	if s.config.Auth == AuthIAM {
		config.Authorizer = judge{s.rooms.identities, s.config.Clock}
	}
	doors := protocol.NewHandler(config, services...)
	pages := s.pages(metrics, code)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lambda.IsURL(r) { // they are for pages, too
			doors.ServeHTTP(w, r)
			return
		}
		if why := s.foreign(r); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		// Not a ServeMux for everything: it would redirect paths that AWS's clients mean as they wrote them.
		if isPage(r) {
			if !s.mayUse(r) {
				http.Error(w, "sign the request, as one to the service "+pageService, http.StatusForbidden)
				return
			}
			pages.ServeHTTP(w, r)
			return
		}
		doors.ServeHTTP(w, r)
	})
}
