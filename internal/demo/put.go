package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const (
	// maxPut and maxPutBytes bound one PutRecords call: records, and bytes of data and keys.
	maxPut      = 500
	maxPutBytes = 4 << 20
	// maxAttempts bounds how often a call is made again for the records that were turned away.
	maxAttempts = 20
)

// putter puts a feed into the stream.
type putter struct {
	clients *clients
	options Options

	put, bad atomic.Int64 // records acknowledged; those among them that the handler will refuse

	// wanted counts, by partition key, the acknowledged records that the handler should take. Read only when run has
	// returned.
	wanted map[string]int64
}

func newPutter(c *clients, o Options) *putter {
	return &putter{clients: c, options: o, wanted: map[string]int64{}}
}

// run puts the whole feed, Repeat times. A feed that is repeated is kept in memory.
func (p *putter) run(ctx context.Context, feed io.Reader) error {
	pace := newPace(p.options.Rate)
	var batch, all []event
	size := 0
	flush := func() error {
		err := p.putBatch(ctx, batch)
		batch, size = batch[:0], 0
		return err
	}
	add := func(e event) error {
		if n := len(e.line) + len(e.key); size+n > maxPutBytes || len(batch) == pace.most {
			if err := flush(); err != nil {
				return err
			}
			if err := pace.wait(ctx, p.put.Load()); err != nil {
				return err
			}
		}
		batch, size = append(batch, e), size+len(e.line)+len(e.key)
		return nil
	}
	for e, err := range readFeed(feed, p.options.KeyField) {
		if err == nil {
			err = add(e)
		}
		if err != nil {
			return err
		}
		if p.options.Repeat > 1 {
			all = append(all, e)
		}
	}
	for range p.options.Repeat - 1 {
		for _, e := range all {
			if err := add(e); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if p.put.Load() == 0 {
		return errors.New("the feed has no records")
	}
	return nil
}

// putBatch puts events with PutRecords, those that were turned away again, until all are acknowledged.
func (p *putter) putBatch(ctx context.Context, batch []event) error {
	for attempt := 0; len(batch) > 0; attempt++ {
		if attempt == maxAttempts {
			return fmt.Errorf("%d records were turned away %d times", len(batch), attempt)
		}
		entries := make([]kinesistypes.PutRecordsRequestEntry, len(batch))
		for i, e := range batch {
			entries[i] = kinesistypes.PutRecordsRequestEntry{Data: e.line, PartitionKey: aws.String(e.key)}
		}
		answer, err := p.clients.kinesis.PutRecords(ctx, &kinesis.PutRecordsInput{
			StreamName: aws.String(streamName),
			Records:    entries,
		})
		if err != nil {
			return err
		}
		var again []event
		for i, r := range answer.Records {
			if r.ErrorCode != nil {
				again = append(again, batch[i])
				continue
			}
			p.acknowledged(batch[i])
		}
		batch = again
	}
	return nil
}

func (p *putter) acknowledged(e event) {
	if refused(e.line) != nil {
		p.bad.Add(1)
	} else {
		p.wanted[e.key]++
	}
	p.put.Add(1)
}

// pace holds puts back to a number of records a second.
type pace struct {
	rate    int
	most    int // records a call
	started time.Time
}

// newPace makes calls small enough that a slow rate still flows evenly: some fifty calls a second.
func newPace(rate int) pace {
	most := maxPut
	if rate > 0 {
		most = min(max(rate/50, 1), maxPut)
	}
	return pace{rate: rate, most: most, started: time.Now()}
}

// wait returns when the put after the first n is due.
func (p pace) wait(ctx context.Context, n int64) error {
	if p.rate == 0 {
		return nil
	}
	due := p.started.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
