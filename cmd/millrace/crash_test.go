package main

import (
	"bufio"
	"context"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/millrace/millrace/internal/bootstrap"
	"github.com/millrace/millrace/internal/demo"
	"github.com/millrace/millrace/internal/sdkhttp"
)

const (
	kills      = 10
	crashBatch = 50
	crashKeys  = 40
)

// TestKillNine kills the server again and again while records are put and delivered, and then looks at what the function
// saw: every acknowledged record; each key's records in order; and after each kill at most one batch a lane again.
// Facts: 2.5.2.
func TestKillNine(t *testing.T) {
	for _, factor := range []int{1, 4} {
		t.Run(fmt.Sprintf("ParallelizationFactor=%d", factor), func(t *testing.T) { killAndVerify(t, factor) })
	}
}

func killAndVerify(t *testing.T, factor int) {
	if testing.Short() {
		t.Skip("takes some fifteen seconds")
	}
	h := newHouse(t)
	h.start()
	h.build(factor)
	load := &load{client: h.kinesis, acknowledged: map[string]string{}, shardOf: map[string]string{}}
	for range kills {
		ctx, stop := context.WithCancel(t.Context())
		loading := make(chan error, 1)
		go func() { loading <- load.run(ctx) }()
		// Somewhere in the middle of things: after some more acknowledgements and deliveries.
		goal, seen := load.count()+200+rand.IntN(400), h.ledgerLines()+1
		h.await("load", func() bool { return load.count() >= goal && h.ledgerLines() >= seen })
		h.kill()
		stop()
		if err := <-loading; err != nil {
			t.Fatal(err)
		}
		h.start()
	}
	h.await("every acknowledged record", func() bool { return len(h.missing(load)) == 0 })
	h.stop()
	verifyLedger(t, h.readLedger(), load, factor)
	t.Logf("%d records acknowledged over %d kills", load.count(), kills)
}

// load puts records and remembers which were acknowledged.
type load struct {
	client *kinesis.Client
	pause  time.Duration // between puts

	mu           sync.Mutex
	acknowledged map[string]string // partition key by sequence number
	shardOf      map[string]string // shard by partition key
	n            int
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// run puts until the context ends or the server is gone. What an interrupted call put is not acknowledged.
func (l *load) run(ctx context.Context) error {
	for ctx.Err() == nil {
		entries := make([]kinesistypes.PutRecordsRequestEntry, 20)
		for i := range entries {
			l.n++
			entries[i] = kinesistypes.PutRecordsRequestEntry{
				Data:         fmt.Appendf(nil, `{"n":%d}`, l.n),
				PartitionKey: aws.String(fmt.Sprintf("key-%d", l.n%crashKeys)),
			}
		}
		answer, err := l.client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: aws.String("loaded"), Records: entries})
		if err != nil {
			var refusal interface{ ErrorCode() string }
			if errors.As(err, &refusal) {
				return err
			}
			return nil // cut off
		}
		l.mu.Lock()
		for i, r := range answer.Records {
			if r.ErrorCode == nil {
				l.acknowledged[aws.ToString(r.SequenceNumber)] = aws.ToString(entries[i].PartitionKey)
				l.shardOf[aws.ToString(entries[i].PartitionKey)] = aws.ToString(r.ShardId)
			}
		}
		l.mu.Unlock()
		select {
		case <-time.After(l.pause):
		case <-ctx.Done():
		}
	}
	return nil
}

// house is a server as a process of its own, which can be killed.
type house struct {
	t                *testing.T
	address, url     string
	dir, ledger, log string
	flags, env       []string // beside those that every house has
	process          *exec.Cmd
	kinesis          *kinesis.Client
	lambda           *lambda.Client
}

func newHouse(t *testing.T) *house {
	dir := t.TempDir()
	h := &house{t: t, address: freeAddress(t), dir: dir, ledger: filepath.Join(exchange(t, dir), "ledger"), log: filepath.Join(dir, "log")}
	h.url = "http://" + h.address
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(h.url), RetryMaxAttempts: 1, HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	h.kinesis, h.lambda = kinesis.NewFromConfig(config), lambda.NewFromConfig(config)
	t.Cleanup(func() {
		if h.process != nil {
			h.kill()
		}
		if t.Failed() {
			text, _ := os.ReadFile(h.log)
			t.Logf("the server's log ends:\n%s", text[max(0, len(text)-4000):])
		}
	})
	return h
}

func (h *house) start() {
	h.t.Helper()
	log, err := os.OpenFile(h.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	h.check(err)
	defer log.Close()
	h.process = exec.Command(program, append([]string{"up", "--listen", h.address, "--data-dir", filepath.Join(h.dir, "data"), "--share", filepath.Dir(h.ledger)}, h.flags...)...)
	h.process.Env = append(append(os.Environ(), "MILLRACE_RUNTIME_MATCH=nearest"), h.env...)
	h.process.Stdout, h.process.Stderr = log, log
	h.check(h.process.Start())
	h.check(untilHealthy(h.url))
}

func (h *house) kill() {
	_ = h.process.Process.Kill()
	_ = h.process.Wait()
	h.process = nil
}

func (h *house) stop() {
	h.t.Helper()
	h.check(h.process.Process.Signal(os.Interrupt))
	if err := h.process.Wait(); err != nil {
		h.t.Errorf("the server stopped with %v", err)
	}
	h.process = nil
}

func (h *house) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// await waits until something holds, for at most a minute.
func (h *house) await(what string, holds func() bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	if err := poll(ctx, func() (bool, error) { return holds(), nil }); err != nil {
		h.t.Fatalf("waiting for %s: %v", what, err)
	}
}

// build makes a stream of four shards and maps it to the demo's function, which keeps a ledger.
func (h *house) build(factor int) {
	h.t.Helper()
	ctx := h.t.Context()
	_, err := h.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("loaded"), ShardCount: aws.Int32(4)})
	h.check(err)
	code, err := bootstrap.Zip(program)
	h.check(err)
	_, err = h.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("ledger"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
		Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String(demo.HandlerName), Timeout: aws.Int32(30),
		Code:        &lambdatypes.FunctionCode{ZipFile: code},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"DEMO_LEDGER": h.ledger}},
	})
	h.check(err)
	var arn *string
	h.await("the stream", func() bool {
		d, err := h.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("loaded")})
		h.check(err)
		arn = d.StreamDescriptionSummary.StreamARN
		return d.StreamDescriptionSummary.StreamStatus == kinesistypes.StreamStatusActive
	})
	_, err = h.lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
		EventSourceArn: arn, FunctionName: aws.String("ledger"), BatchSize: aws.Int32(crashBatch),
		StartingPosition: lambdatypes.EventSourcePositionTrimHorizon, ParallelizationFactor: aws.Int32(int32(factor)),
	})
	h.check(err)
}

// entry is a line of the ledger: a record that the function took.
type entry struct{ number, key string }

func (h *house) readLedger() (entries []entry) {
	h.t.Helper()
	f, err := os.Open(h.ledger)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	h.check(err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		number, quoted, _ := strings.Cut(lines.Text(), "\t")
		var key string
		if json.Unmarshal([]byte(quoted), &key) != nil {
			continue // the line at which a process was killed
		}
		entries = append(entries, entry{number, key})
	}
	h.check(lines.Err())
	return entries
}

func (h *house) ledgerLines() int { return len(h.readLedger()) }

// missing returns the acknowledged records that the function has not seen.
func (h *house) missing(l *load) (numbers []string) {
	seen := map[string]bool{}
	for _, e := range h.readLedger() {
		seen[e.number] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for number := range l.acknowledged {
		if !seen[number] {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// lane is what the ledger says of one lane: of the records of one shard whose keys leave one remainder.
type lane struct {
	highest  string          // number
	before   string          // the last number seen
	seen     map[string]bool // numbers
	again    int             // records of the repetition under way
	restarts int
}

// verifyLedger walks through what the function saw, lane by lane. Within a lane, numbers rise but for a repetition after
// a kill: that begins again at most one batch back, and there is at most one for each kill.
func verifyLedger(t *testing.T, entries []entry, l *load, factor int) {
	t.Helper()
	lanes := map[string]*lane{}
	for i, e := range entries {
		name := l.laneOf(e.key, factor)
		if lanes[name] == nil {
			lanes[name] = &lane{seen: map[string]bool{}}
		}
		if err := lanes[name].take(e.number); err != nil {
			t.Fatalf("line %d, lane %s: %v", i, name, err)
		}
	}
	for name, l := range lanes {
		if l.restarts > kills {
			t.Errorf("lane %s went back %d times in %d kills", name, l.restarts, kills)
		}
	}
	if len(lanes) < factor {
		t.Errorf("only %d lanes were used", len(lanes))
	}
}

// take judges the next record of a lane.
func (l *lane) take(number string) error {
	switch {
	case less(l.highest, number):
		l.highest, l.again = number, 0
	case !l.seen[number]:
		return fmt.Errorf("%s comes after a later record", number)
	case !less(l.before, number):
		l.restarts++
		l.again = 1
	default:
		l.again++
	}
	l.before, l.seen[number] = number, true
	if l.again > crashBatch {
		return fmt.Errorf("more than a batch of %d is repeated", crashBatch)
	}
	return nil
}

// laneOf names the lane that a key's records take: of its shard, by the remainder of the key's hash.
func (l *load) laneOf(key string, factor int) string {
	hash := md5.Sum([]byte(key))
	n := new(big.Int).SetBytes(hash[:])
	return l.shardOf[key] + "/" + n.Mod(n, big.NewInt(int64(factor))).String()
}

// less compares two sequence numbers, decimal numbers without leading zeros.
func less(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
