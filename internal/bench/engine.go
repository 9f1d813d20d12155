package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
)

// measureEngine appends blocks of the sizes that the puts will make, straight into the engine, each writer to a log of
// its own.
func measureEngine(ctx context.Context, o Options, dir string, r *Report) error {
	engine, err := disk.Open(disk.Options{Dir: dir})
	if err != nil {
		return err
	}
	for i, records := range recordsPerCall {
		for j, writers := range connections {
			rate, err := appendBlocks(ctx, o, engine, uint64(100*i+j), writers, records)
			if err != nil {
				return errors.Join(err, engine.Close())
			}
			r.Engine = append(r.Engine, rate)
		}
	}
	return engine.Close()
}

func appendBlocks(ctx context.Context, o Options, engine store.Blocks, stream uint64, writers, records int) (Rate, error) {
	block := make([]byte, records*recordBytes)
	rand.Read(block)
	return timed(ctx, o, writers, records, func(ctx context.Context, writer int) error {
		_, err := engine.Append(ctx, store.LogID{Stream: stream, Shard: uint32(writer)}, store.Data(block))
		return err
	})
}

// timed makes calls from a number of workers for the options' time.
func timed(ctx context.Context, o Options, workers, records int, call func(ctx context.Context, worker int) error) (Rate, error) {
	var (
		group    sync.WaitGroup
		mu       sync.Mutex
		all      samples
		problems []error
	)
	clock := startTimer(o.Seconds)
	for worker := range workers {
		group.Go(func() {
			var mine samples
			var err error
			for err == nil && ctx.Err() == nil && clock.running() {
				begun := clock.elapsed()
				if err = call(ctx, worker); err == nil {
					mine.add(clock.elapsed() - begun)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.merge(&mine)
			problems = append(problems, err)
		})
	}
	group.Wait()
	seconds := clock.elapsed().Seconds()
	perSecond := float64(all.count()*records) / seconds
	return Rate{
		Connections: workers, Records: records,
		PerSecond: perSecond, Megabytes: perSecond * recordBytes / 1e6,
		Latency: all.latency(),
	}, errors.Join(append(problems, ctx.Err())...)
}
