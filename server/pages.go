package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/topic"
)

// isPage reports whether a request is for a page of ours rather than for AWS's API. A bucket may be called "metrics": who
// signs asks for that.
func isPage(r *http.Request) bool {
	path := r.URL.Path
	return strings.HasPrefix(path, "/_millrace/") || path == "/_localstack/health" || strings.HasPrefix(path, topic.CertificatePrefix) ||
		path == "/metrics" && (r.Header.Get("Authorization") == "" || strings.Contains(r.Header.Get("Authorization"), "/"+pageService+"/"))
}

// pages are what the server tells beside the AWS API.
func (s *Server) pages(m *metrics, code http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_millrace/health", s.health)
	mux.HandleFunc("GET /_millrace/ca.pem", s.certificatePage)
	mux.HandleFunc("GET /_localstack/health", localstackHealth)
	mux.HandleFunc("GET /_millrace/mappings", s.mappingPages)
	mux.HandleFunc("GET /_millrace/mappings/{uuid}", s.mappingPage)
	s.historyPages(mux)
	s.clockPages(mux)
	mux.Handle("GET "+lambda.CodePath+"{name}", code)
	mux.Handle("GET /metrics", m.handler())
	mux.HandleFunc("GET /{certificate}", s.certificate)
	return mux
}

// certificate answers who wants to verify a notification.
func (s *Server) certificate(w http.ResponseWriter, r *http.Request) {
	text, ok := s.rooms.topics.Certificate(r.Context(), r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(text)
}

func writePage(w http.ResponseWriter, status int, page any) {
	body, err := json.MarshalIndent(page, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the page cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writePage(w, http.StatusOK, struct {
		Status  string `json:"status"`
		Version string `json:"version"`
	}{"ready", revision()})
}

// localstackHealth answers tools that wait for LocalStack to come up.
func localstackHealth(w http.ResponseWriter, _ *http.Request) {
	writePage(w, http.StatusOK, struct {
		Services map[string]string `json:"services"`
		Edition  string            `json:"edition"`
		Version  string            `json:"version"`
	}{map[string]string{"cloudwatch": "running", "kinesis": "running", "lambda": "running", "s3": "running", "sns": "running", "sqs": "running"}, "millrace", revision()})
}

// mappingPage is what is told of one mapping.
type mappingPage struct {
	UUID     string    `json:"uuid"`
	Source   string    `json:"source"`
	Function string    `json:"function"`
	State    string    `json:"state"`
	Result   string    `json:"last_processing_result"`
	Stats    statsPage `json:"stats"`
	// Waiting is what the mapping, its shards and its lanes wait for at the moment; only on the mapping's own page.
	Waiting *mapping.Waits `json:"waiting,omitempty"`
}

// statsPage counts since the server started. Latencies are in milliseconds.
type statsPage struct {
	Polled           uint64      `json:"polled"`
	FilteredOut      uint64      `json:"filtered_out"`
	Invocations      uint64      `json:"invocations"`
	Retries          uint64      `json:"retries"`
	Splits           uint64      `json:"splits"`
	Throttles        uint64      `json:"throttles"`
	Batches          uint64      `json:"batches"`
	Delivered        uint64      `json:"delivered"`
	Discarded        uint64      `json:"discarded"`
	Expired          uint64      `json:"expired"`
	Documents        uint64      `json:"documents"`
	DocumentFailures uint64      `json:"document_failures"`
	Shards           []shardPage `json:"shards"`
	PutToInvoke      latencyPage `json:"put_to_invoke_ms"`
	FreeLane         latencyPage `json:"put_to_invoke_free_lane_ms"`
}

type shardPage struct {
	ShardID   string `json:"shard_id"`
	Delivered uint64 `json:"delivered"`
	Discarded uint64 `json:"discarded"`
}

type latencyPage struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

func (s *Server) mappingPages(w http.ResponseWriter, _ *http.Request) {
	list := []mappingPage{}
	for _, m := range s.rooms.mappings.All() {
		list = append(list, s.describe(m))
	}
	slices.SortFunc(list, func(a, b mappingPage) int { return strings.Compare(a.UUID, b.UUID) })
	writePage(w, http.StatusOK, struct {
		Mappings []mappingPage `json:"mappings"`
	}{list})
}

func (s *Server) mappingPage(w http.ResponseWriter, r *http.Request) {
	for _, m := range s.rooms.mappings.All() {
		if m.UUID == r.PathValue("uuid") {
			page := s.describe(m)
			if waits, err := s.rooms.mappings.Waits(m.UUID); err == nil {
				page.Waiting = &waits
			}
			writePage(w, http.StatusOK, page)
			return
		}
	}
	writePage(w, http.StatusNotFound, map[string]string{"error": "there is no such mapping"})
}

// describe tells of a mapping. One that was deleted this moment has counted nothing.
func (s *Server) describe(m mapping.Mapping) mappingPage {
	stats, _ := s.rooms.mappings.Stats(m.UUID)
	page := mappingPage{
		UUID: m.UUID, Source: m.SourceARN(), Function: m.Function.ARN(), State: string(m.State), Result: m.LastProcessingResult,
		Stats: statsPage{
			Polled: stats.Polled, FilteredOut: stats.FilteredOut,
			Batches: stats.Batches, Invocations: stats.Invocations, Retries: stats.Retries, Splits: stats.Splits,
			Throttles: stats.Throttles, Delivered: stats.Delivered, Discarded: stats.Discarded, Expired: stats.Expired,
			Documents: stats.Documents, DocumentFailures: stats.DocumentFailures,
			Shards:      []shardPage{},
			PutToInvoke: latencyPageOf(stats.PutToInvoke),
			FreeLane:    latencyPageOf(stats.FreeLane),
		},
	}
	for _, shard := range stats.Shards {
		page.Stats.Shards = append(page.Stats.Shards, shardPage{stream.ShardID(shard.Shard), shard.Delivered, shard.Discarded})
	}
	return page
}

func latencyPageOf(l mapping.Latency) latencyPage {
	return latencyPage{Count: l.Count, P50: milliseconds(l.P50), P99: milliseconds(l.P99), Max: milliseconds(l.Max)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
