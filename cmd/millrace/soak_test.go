package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/millrace/millrace/internal/bootstrap"
)

var soakFor = flag.Duration("soak", 0, "how long TestSoak goes on; 0 skips it")

// soak is a house that is killed again and again while it is disturbed in all the ways that its clients know.
type soak struct {
	*house
	mapping  *string
	restarts int // after which a lane may repeat a batch: kills of the server and of its functions' processes
	done     map[string]int
}

// TestSoak does for as long as it is told what TestKillNine does for a moment, and meanwhile reshards the stream, changes the
// mapping, and disturbs the function. What was acknowledged is delivered, a key's records in their order, and no key has
// more of its records repeated, or more often, than there were processes killed.
func TestSoak(t *testing.T) {
	if *soakFor == 0 {
		t.Skip("goes on for as long as -soak says")
	}
	s := &soak{house: newHouse(t), done: map[string]int{}}
	s.start()
	s.build(4)
	list, err := s.lambda.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{})
	s.check(err)
	s.mapping = list.EventSourceMappings[0].UUID
	load := &load{client: s.kinesis, acknowledged: map[string]string{}, shardOf: map[string]string{}, pause: 40 * time.Millisecond}
	for end := time.Now().Add(*soakFor); time.Now().Before(end); {
		s.live(load)
	}
	s.calm()
	s.await("every acknowledged record", func() bool { return len(s.missing(load)) == 0 })
	s.stop()
	s.verify(load)
	t.Logf("%d records acknowledged, %d lines in the ledger, %d restarts, %v", load.count(), s.ledgerLines(), s.restarts, s.done)
}

// live is one life of the server, from a start to a kill or a stop.
func (s *soak) live(load *load) {
	ctx, stop := context.WithCancel(s.t.Context())
	loading := make(chan error, 1)
	go func() { loading <- load.run(ctx) }()
	for range 1 + rand.IntN(12) {
		s.disturb()
		<-time.After(time.Duration(rand.IntN(600)) * time.Millisecond)
	}
	if rand.IntN(5) == 0 {
		s.house.stop()
		s.done["stop"]++
	} else {
		s.kill()
		s.done["kill"]++
		s.restarts++
	}
	stop()
	s.check(<-loading)
	s.start()
}

// disturb does one thing. What comes at a bad time is refused, and that is as it should be.
func (s *soak) disturb() {
	deeds := []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"split", s.split},
		{"merge", s.merge},
		{"resize", s.resize},
		{"change mapping", s.change},
		{"disable mapping", func(ctx context.Context) error { return s.enable(ctx, false) }},
		{"enable mapping", func(ctx context.Context) error { return s.enable(ctx, true) }},
		{"enable mapping", func(ctx context.Context) error { return s.enable(ctx, true) }},
		{"configure function", s.configure},
		{"replace code", s.replaceCode},
		{"kill function", s.killFunction},
	}
	deed := deeds[rand.IntN(len(deeds))]
	err := deed.do(s.t.Context())
	var refusal interface{ ErrorCode() string }
	switch {
	case err == nil:
		s.done[deed.name]++
	case !errors.As(err, &refusal):
		s.done["cut off"]++
	case refusal.ErrorCode() == "InternalFailure", refusal.ErrorCode() == "ServiceException":
		s.t.Errorf("%s: %v", deed.name, err)
	}
}

func (s *soak) openShards(ctx context.Context) ([]kinesistypes.Shard, error) {
	list, err := s.kinesis.ListShards(ctx, &kinesis.ListShardsInput{
		StreamName: aws.String("loaded"), ShardFilter: &kinesistypes.ShardFilter{Type: kinesistypes.ShardFilterTypeAtLatest},
	})
	if err != nil {
		return nil, err
	}
	return list.Shards, nil
}

func (s *soak) split(ctx context.Context) error {
	open, err := s.openShards(ctx)
	if err != nil || len(open) > 8 {
		return err
	}
	shard := open[rand.IntN(len(open))]
	start, _ := new(big.Int).SetString(aws.ToString(shard.HashKeyRange.StartingHashKey), 10)
	end, _ := new(big.Int).SetString(aws.ToString(shard.HashKeyRange.EndingHashKey), 10)
	middle := start.Add(start, end).Rsh(start, 1)
	_, err = s.kinesis.SplitShard(ctx, &kinesis.SplitShardInput{
		StreamName: aws.String("loaded"), ShardToSplit: shard.ShardId, NewStartingHashKey: aws.String(middle.String()),
	})
	return err
}

func (s *soak) merge(ctx context.Context) error {
	open, err := s.openShards(ctx)
	if err != nil || len(open) < 3 {
		return err
	}
	first, second := open[rand.IntN(len(open))], open[rand.IntN(len(open))] // which seldom adjoin
	_, err = s.kinesis.MergeShards(ctx, &kinesis.MergeShardsInput{
		StreamName: aws.String("loaded"), ShardToMerge: first.ShardId, AdjacentShardToMerge: second.ShardId,
	})
	return err
}

func (s *soak) resize(ctx context.Context) error {
	open, err := s.openShards(ctx)
	if err != nil {
		return err
	}
	_, err = s.kinesis.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{
		StreamName: aws.String("loaded"), ScalingType: kinesistypes.ScalingTypeUniformScaling,
		TargetShardCount: aws.Int32(int32(max(1, (len(open)+1)/2+rand.IntN(len(open))))),
	})
	return err
}

func (s *soak) change(ctx context.Context) error {
	_, err := s.lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{
		UUID: s.mapping, BatchSize: aws.Int32(int32(1 + rand.IntN(crashBatch))), ParallelizationFactor: aws.Int32(int32(1 + rand.IntN(10))),
		BisectBatchOnFunctionError: aws.Bool(rand.IntN(2) == 0), MaximumBatchingWindowInSeconds: aws.Int32(int32(rand.IntN(2))),
	})
	return err
}

func (s *soak) enable(ctx context.Context, on bool) error {
	_, err := s.lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: s.mapping, Enabled: aws.Bool(on)})
	return err
}

func (s *soak) configure(ctx context.Context) error {
	_, err := s.lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("ledger"), Timeout: aws.Int32(int32(20 + rand.IntN(20))),
		Environment: &lambdatypes.Environment{Variables: map[string]string{"DEMO_LEDGER": s.ledger, "TURN": strconv.Itoa(rand.IntN(100))}},
	})
	return err
}

func (s *soak) replaceCode(ctx context.Context) error {
	code, err := bootstrap.Zip(program)
	if err != nil {
		return err
	}
	_, err = s.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("ledger"), ZipFile: code})
	return err
}

// killFunction kills a process of the function, maybe in the middle of an invocation, which is then made again.
func (s *soak) killFunction(context.Context) error {
	children := s.children()
	if len(children) == 0 {
		return nil
	}
	if syscall.Kill(children[rand.IntN(len(children))], syscall.SIGKILL) == nil {
		s.restarts++
	}
	return nil
}

// children returns the processes that the server has started itself.
func (s *soak) children() (pids []int) {
	pid := s.process.Process.Pid
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for _, field := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(field); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

// calm lets the mapping deliver what is left.
func (s *soak) calm() {
	s.t.Helper()
	s.await("the mapping to be enabled", func() bool { return s.enable(s.t.Context(), true) == nil })
}

// verify walks through what the function saw, key by key. Numbers rise, over all shards that a key was in, but for
// repetitions of at most a batch.
func (s *soak) verify(load *load) {
	s.t.Helper()
	keys := map[string]*lane{}
	for i, e := range s.readLedger() {
		if keys[e.key] == nil {
			keys[e.key] = &lane{seen: map[string]bool{}}
		}
		if err := keys[e.key].take(e.number); err != nil {
			s.t.Fatalf("line %d, key %s: %v", i, e.key, err)
		}
	}
	for key, l := range keys {
		if l.restarts > s.restarts {
			s.t.Errorf("key %s went back %d times after %d restarts", key, l.restarts, s.restarts)
		}
	}
	if load.count() == 0 {
		s.t.Error("nothing was put")
	}
}
