package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

const (
	openConnections = 8
	openCall        = 500
	// openReading bounds the reading of the store that was opened.
	openReading = 10 * time.Minute
)

// measureOpen fills the store of a server of its own, kills it, takes the time until a new one on the same store answers, and reads
// everything from it.
func measureOpen(ctx context.Context, o Options, dir string, r *Report) error {
	records := (o.OpenMiB<<20/recordBytes + openCall - 1) / openCall * openCall
	first, err := startProcess(ctx, dir)
	if err != nil {
		return err
	}
	err = fillStream(ctx, newClient(first.url), records/openCall)
	first.kill()
	if err != nil {
		return err
	}
	begun := time.Now()
	second, err := startProcess(ctx, dir)
	if err != nil {
		return err
	}
	healthy := time.Since(begun)
	c := newClient(second.url)
	rate, found, err := readShards(ctx, c, startTimer(openReading.Seconds()))
	c.close()
	r.Open = Open{
		Bytes: int64(found) * recordBytes, HealthyMS: float64(healthy.Microseconds()) / 1000,
		PerSecond: rate.PerSecond, Megabytes: rate.Megabytes, Connections: rate.Connections,
	}
	if err == nil && found < records {
		err = fmt.Errorf("%d records were put, and %d are there after the crash", records, found)
	}
	if err == nil {
		r.Open.PeakRSS, err = memoryOf(second.process.Process.Pid, "VmHWM:")
	}
	second.kill() // its store is of no use to anybody any more
	return err
}

// process is a server in a process of its own.
type process struct {
	process *exec.Cmd
	url     string
}

// startProcess starts this program's server and waits until it answers.
func startProcess(ctx context.Context, dir string, flags ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &process{exec.CommandContext(ctx, program, append([]string{"up", "--listen", address, "--data-dir", dir}, flags...)...), "http://" + address}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	if err := untilHealthy(ctx, p.url+"/_millrace/health"); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// kill ends the server as a loss of power would, but for what the system still writes out.
func (p *process) kill() {
	_ = p.process.Process.Kill()
	_ = p.process.Wait()
}

// stop ends the server in order.
func (p *process) stop() error {
	return errors.Join(p.process.Process.Signal(os.Interrupt), p.process.Wait())
}

// fillStream puts so many calls to a new stream, from several connections.
func fillStream(ctx context.Context, c *client, calls int) error {
	defer c.close()
	if err := c.createStream(ctx, putStream, putShards); err != nil {
		return err
	}
	var (
		group sync.WaitGroup
		left  atomic.Int64
		ends  = make([]error, openConnections)
	)
	left.Store(int64(calls))
	for worker := range openConnections {
		group.Go(func() {
			body := putBody(putStream, openCall, recordBytes, worker)
			for ends[worker] == nil && ctx.Err() == nil && left.Add(-1) >= 0 {
				ends[worker] = c.kinesis(ctx, "PutRecords", body, nil)
			}
		})
	}
	group.Wait()
	return errors.Join(append(ends, ctx.Err())...)
}
