package bench

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/millrace/millrace/internal/bootstrap"
)

// HandlerName is the Handler setting of the benchmark's functions.
const HandlerName = "bench"

// ledgerVariable names the environment variable that tells the handler where to write when each record arrived; without
// it the handler does nothing.
const ledgerVariable = "BENCH_LEDGER"

// ServeHandler runs the benchmark's function, or the bare server that functions are measured beside. It returns the error
// by which the runtime has gone away.
func ServeHandler() error {
	if address := os.Getenv(peerVariable); address != "" {
		return servePeer(address)
	}
	if path := os.Getenv(ledgerVariable); path != "" {
		return bootstrap.Serve(bootstrap.Taking(func(event events.KinesisEvent) error { return writeArrivals(path, event) }))
	}
	return bootstrap.Serve(func([]byte) ([]byte, error) { return []byte("null"), nil }) // it does nothing, not even parse
}

// writeArrivals adds, for each record, how many microseconds passed since the time that its data names.
func writeArrivals(path string, event events.KinesisEvent) error {
	now := time.Now().UnixMicro()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for _, r := range event.Records {
		sent, err := strconv.ParseInt(string(r.Kinesis.Data), 10, 64)
		if err == nil {
			_, err = fmt.Fprintln(f, now-sent)
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// createFunction makes a function of this program and waits until it is active.
func (c *client) createFunction(ctx context.Context, name string, environment map[string]string) error {
	code, err := bootstrap.ZipSelf()
	if err != nil {
		return err
	}
	return c.createFunctionOf(ctx, name, "provided.al2023", HandlerName, code, environment)
}

// createFunctionOf does the same for any code.
func (c *client) createFunctionOf(ctx context.Context, name, runtime, handler string, code []byte, environment map[string]string) error {
	input := map[string]any{
		"FunctionName": name, "Runtime": runtime, "Handler": handler, "Timeout": 60,
		"Role": "arn:aws:iam::000000000000:role/bench", "Code": map[string]any{"ZipFile": code},
		"Environment": map[string]any{"Variables": environment},
	}
	if err := c.lambda(ctx, http.MethodPost, "/2015-03-31/functions", input, nil); err != nil {
		return err
	}
	var f struct{ State, StateReason string }
	return until(ctx, func() (bool, error) {
		err := c.lambda(ctx, http.MethodGet, "/2015-03-31/functions/"+name+"/configuration", nil, &f)
		if err == nil && f.State == "Failed" {
			err = errors.New(f.StateReason)
		}
		return f.State == "Active", err
	})
}

// createMapping maps a stream to a function from its oldest record and waits until the mapping is enabled.
func (c *client) createMapping(ctx context.Context, stream, function string, batchSize int) (uuid string, err error) {
	input := map[string]any{
		"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/" + stream,
		"FunctionName":   function, "StartingPosition": "TRIM_HORIZON", "BatchSize": batchSize,
	}
	var m struct{ UUID, State string }
	if err := c.lambda(ctx, http.MethodPost, "/2015-03-31/event-source-mappings", input, &m); err != nil {
		return "", err
	}
	return m.UUID, until(ctx, func() (bool, error) {
		err := c.lambda(ctx, http.MethodGet, "/2015-03-31/event-source-mappings/"+m.UUID, nil, &m)
		return m.State == "Enabled", err
	})
}

// mappingPage is what the server tells of a mapping beside the AWS API.
type mappingPage struct {
	Stats struct {
		Delivered   int     `json:"delivered"`
		PutToInvoke Latency `json:"put_to_invoke_ms"`
	} `json:"stats"`
}

func (c *client) mapping(ctx context.Context, uuid string) (page mappingPage, err error) {
	return page, c.lambda(ctx, http.MethodGet, "/_millrace/mappings/"+uuid, nil, &page)
}

const (
	trickleRecords = 500
	trickleEvery   = 5 * time.Millisecond
)

// measureTrickle puts records one by one, with pauses, through a mapping to a warm function.
func measureTrickle(ctx context.Context, c *client, r *Report, dir string) error {
	const name = "bench-trickle"
	ledger := filepath.Join(dir, "arrivals", "ledger")
	uuid, err := c.buildPath(ctx, name, map[string]string{ledgerVariable: ledger}, 100)
	if err != nil {
		return err
	}
	// The first record starts the function's process: it is put, awaited, and left out of the handler's figures.
	tick := time.NewTicker(trickleEvery)
	defer tick.Stop()
	for n := range trickleRecords + 1 {
		data := base64.StdEncoding.EncodeToString(strconv.AppendInt(nil, time.Now().UnixMicro(), 10))
		if err := c.kinesis(ctx, "PutRecord", fmt.Appendf(nil, `{"StreamName":%q,"PartitionKey":"a","Data":%q}`, name, data), nil); err != nil {
			return err
		}
		if n == 0 || n == trickleRecords {
			if err := c.awaitDelivered(ctx, uuid, n+1); err != nil {
				return err
			}
		}
		<-tick.C
	}
	page, err := c.mapping(ctx, uuid)
	if err != nil {
		return err
	}
	r.PutToInvoke = page.Stats.PutToInvoke
	all, err := readArrivals(ledger)
	if err != nil {
		return err
	}
	r.PutToFunction = all.latency()
	return nil
}

// readArrivals reads the handler's figures without the first.
func readArrivals(path string) (all samples, err error) {
	f, err := os.Open(path)
	if err != nil {
		return all, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		micros, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			return all, err
		}
		all.add(time.Duration(micros) * time.Microsecond)
	}
	if len(all.kept) > 0 {
		all.kept, all.seen = all.kept[1:], all.seen-1
	}
	return all, lines.Err()
}

// buildPath makes a stream of one shard, a function and a mapping between them.
func (c *client) buildPath(ctx context.Context, name string, environment map[string]string, batchSize int) (uuid string, err error) {
	if err := c.createStream(ctx, name, 1); err != nil {
		return "", err
	}
	if err := c.createFunction(ctx, name, environment); err != nil {
		return "", err
	}
	return c.createMapping(ctx, name, name, batchSize)
}

func (c *client) awaitDelivered(ctx context.Context, uuid string, n int) error {
	return until(ctx, func() (bool, error) {
		page, err := c.mapping(ctx, uuid)
		return page.Stats.Delivered >= n, err
	})
}

const (
	drainShards = 4
	drainBatch  = 1000
	drainBytes  = 100
	drainCall   = 500
)

// measureDrain fills a stream, then maps it to a function that does nothing and waits until all is delivered.
func measureDrain(ctx context.Context, o Options, c *client, r *Report) error {
	const name = "bench-drain"
	if err := c.createStream(ctx, name, drainShards); err != nil {
		return err
	}
	body := putBody(name, drainCall, drainBytes, 1)
	calls := (o.Backlog + drainCall - 1) / drainCall
	for range calls {
		if err := c.kinesis(ctx, "PutRecords", body, nil); err != nil {
			return err
		}
	}
	if err := c.createFunction(ctx, name, map[string]string{}); err != nil {
		return err
	}
	clock := startTimer(0)
	uuid, err := c.createMapping(ctx, name, name, drainBatch)
	if err != nil {
		return err
	}
	if err := c.awaitDelivered(ctx, uuid, calls*drainCall); err != nil {
		return err
	}
	r.Drain = Drain{
		Records: calls * drainCall, BatchSize: drainBatch, Bytes: drainBytes,
		PerSecond: float64(calls*drainCall) / clock.elapsed().Seconds(),
	}
	return nil
}
