package mapping

import (
	"context"
	"errors"
	"time"

	"github.com/millrace/millrace/stream"
)

// pollEvery is how often AWS looks for records in a shard in which there were none.
const pollEvery = time.Second

// poller reads a shard as AWS's pollers do: once a second, and on and on while it finds records, within limits that all
// readers of the shard share.
type poller struct {
	s      *Service
	key    stream.ShardKey
	polled time.Time // when the last read was
}

func (p *poller) read(ctx context.Context, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	for {
		p.polled = p.s.config.Clock.Now()
		b, err := p.s.config.Polled.Read(ctx, p.key, after, maxRecords, maxBytes)
		var often *stream.ReadRateError
		if !errors.As(err, &often) {
			return b, err
		}
		// The limits are of one second. That there is nothing to be read for others' sake is no trouble of the source. Who came
		// too late comes earlier next time: pollers in step would else leave the same ones out again and again.
		p.s.sleep(ctx, time.Duration(float64(pollEvery)*(1-p.s.early())), nil)
		if ctx.Err() != nil {
			return b, ctx.Err()
		}
	}
}

func (p *poller) wait(ctx context.Context, _ stream.Position) error {
	p.s.sleep(ctx, p.polled.Add(pollEvery).Sub(p.s.config.Clock.Now()), nil)
	return ctx.Err()
}
