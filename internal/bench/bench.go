package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/scratch"
	"github.com/millrace/millrace/server"
)

// Options says what to measure and how long.
type Options struct {
	// Seconds is how long each timed measurement runs.
	Seconds float64
	// Backlog is how many records the drain measurement delivers.
	Backlog int
	// OpenMiB is how many MiB of records the store holds that is opened after a crash.
	OpenMiB int
	// Only names the sections to measure; empty for all. See Sections.
	Only []string
	// Dir is where data goes while measuring; "" for the system's folder of temporary files. It decides which disk is
	// measured.
	Dir    string
	JSON   bool
	Stdout io.Writer
	Stderr io.Writer // progress
}

// Sections are the parts that can be measured by themselves.
var Sections = []string{"start", "engine", "put", "get", "trickle", "drain", "cold", "warm", "queue", "open"}

// wants reports whether a section is to be measured.
func (o Options) wants(section string) bool {
	return len(o.Only) == 0 || slices.Contains(o.Only, section)
}

// wantsServer reports whether something is to be measured of the server that runs in this process.
func (o Options) wantsServer() bool {
	return slices.ContainsFunc([]string{"put", "get", "trickle", "drain", "queue"}, o.wants)
}

// recordBytes is the size of the records that are put: the size that the design's figures speak of.
const recordBytes = 1 << 10

// connections are the numbers of clients that put at the same time.
var connections = []int{1, 8, 32}

// Report is all that was measured. Rates are a second, latencies in milliseconds, sizes in bytes.
type Report struct {
	Version string  `json:"version"`
	Go      string  `json:"go"`
	OS      string  `json:"os"`
	Cores   int     `json:"cores"`
	CPU     string  `json:"cpu"`
	Date    string  `json:"date"`
	Seconds float64 `json:"seconds_each"`

	Engine []Rate `json:"engine"`
	Put    []Rate `json:"put"`
	// OfEngine is, for each entry of Put, its records a second over those of the engine's entry with the same block
	// size and number of writers.
	OfEngine []float64 `json:"put_of_engine"`

	GetRecords  Rate    `json:"get_records"`
	Drain       Drain   `json:"drain"`
	PutToInvoke Latency `json:"put_to_invoke_ms"`
	// PutToFunction is from before the put is sent until the handler runs.
	PutToFunction Latency `json:"put_to_function_ms"`

	Cold  []Cold  `json:"cold"`
	Warm  []Warm  `json:"warm"`
	Queue []Queue `json:"queue"`

	Open Open `json:"open"`

	StartMillis float64 `json:"start_ms"`
	IdleRSS     int64   `json:"idle_rss_bytes"`
}

// Rate is one measurement of throughput.
type Rate struct {
	Connections int     `json:"connections"`
	Records     int     `json:"records_per_call"`
	PerSecond   float64 `json:"records_per_second"`
	Megabytes   float64 `json:"mb_per_second"`
	Latency     Latency `json:"call_ms"`
}

// Latency is a distribution in milliseconds.
type Latency struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
}

// Drain is how fast a backlog went through a function that does nothing.
type Drain struct {
	Records   int     `json:"records"`
	BatchSize int     `json:"batch_size"`
	Bytes     int     `json:"record_bytes"`
	PerSecond float64 `json:"records_per_second"`
}

// Open is how a store that a crash left behind was opened, and read from its oldest record on.
type Open struct {
	Bytes       int64   `json:"bytes"`
	HealthyMS   float64 `json:"healthy_ms"` // from the program's start until it answers
	PerSecond   float64 `json:"records_per_second"`
	Megabytes   float64 `json:"mb_per_second"`
	PeakRSS     int64   `json:"peak_rss_bytes"` // until all was read
	Connections int     `json:"connections"`
}

// Run measures and prints.
func Run(ctx context.Context, o Options) (err error) {
	folder, err := scratch.Make(o.Dir, "millrace-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Remove()) }()
	dir := folder.Path()

	r := Report{
		Version: server.Version(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Cores: runtime.NumCPU(), CPU: cpuModel(), Date: time.Now().UTC().Format("2006-01-02"), Seconds: o.Seconds,
	}
	for _, section := range o.Only {
		if !slices.Contains(Sections, section) {
			return fmt.Errorf("there is no section %q: %s", section, strings.Join(Sections, ", "))
		}
	}
	for _, each := range []struct {
		section string
		what    string
		measure func(context.Context, Options, string, *Report) error
	}{
		{"start", "starting", measureStart},
		{"engine", "the bare engine", measureEngine},
		{"server", "the server", measureServer},
		{"cold", "starting functions", measureCold},
		{"warm", "invoking functions", measureWarm},
		{"open", "opening after a crash", measureOpen},
	} {
		if !o.wants(each.section) && (each.section != "server" || !o.wantsServer()) {
			continue
		}
		fmt.Fprintf(o.Stderr, "measuring %s\n", each.what)
		if err := each.measure(ctx, o, filepath.Join(dir, "data"), &r); err != nil {
			return fmt.Errorf("measuring %s: %w", each.what, err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
			return err
		}
	}
	for i := range min(len(r.Put), len(r.Engine)) {
		r.OfEngine = append(r.OfEngine, r.Put[i].PerSecond/r.Engine[i].PerSecond)
	}
	if o.JSON {
		e := json.NewEncoder(o.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.table(o.Stdout)
}

// measureServer runs a server and measures everything that goes through its door.
func measureServer(ctx context.Context, o Options, dir string, r *Report) error {
	arrivals := filepath.Join(dir, "arrivals")
	if err := errors.Join(os.MkdirAll(arrivals, 0o700), os.Chmod(arrivals, 0o777)); err != nil { //nolint:gosec // the function may be another user
		return err
	}
	house, err := server.New(server.Config{
		Listen: "127.0.0.1:0", DataDir: dir, Shared: []string{arrivals}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- house.Run(serving) }()
	c := newClient(house.URL())
	for _, each := range []struct {
		section string
		measure func() error
	}{
		{"put", func() error { return measurePuts(ctx, o, c, r) }},
		{"get", func() error { return measureGets(ctx, o, c, r) }},
		{"trickle", func() error { return measureTrickle(ctx, c, r, dir) }},
		{"drain", func() error { return measureDrain(ctx, o, c, r) }},
		{"queue", func() error { return measureQueues(ctx, o, c, r) }},
	} {
		if o.wants(each.section) {
			err = errors.Join(err, each.measure())
		}
	}
	c.close()
	stop()
	return errors.Join(err, <-stopped)
}
