package mapping

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/millrace/millrace/stream"
)

// runner leads one mapping through its states for as long as Run runs.
//
// Here and below, ctx ends when nothing new may begin, and grace, which outlives it, when what is in flight is
// abandoned.
type runner struct {
	s *Service
	e *entry
}

func (r *runner) run(ctx, grace context.Context) {
	for ctx.Err() == nil {
		row, changed := r.e.current()
		now := r.s.Clock.Now()
		switch row.Phase.at(now) {
		case Enabled:
			r.serve(ctx, grace, row, changed)
		case Disabled:
			select {
			case <-changed:
			case <-ctx.Done():
			}
		case gone:
			if r.reap(ctx, &row) {
				return
			}
		default:
			r.s.sleep(ctx, row.Phase.Until.Sub(now), changed)
		}
	}
}

// reap removes the mapping from the store and reports whether it could. If not, it has waited a little.
func (r *runner) reap(ctx context.Context, row *row) bool {
	err := r.s.reap(ctx, r.e, row)
	if err != nil && ctx.Err() == nil {
		r.s.Log.Error("cannot remove event source mapping", "mapping", r.e.uuid, "error", err)
		r.s.sleep(ctx, r.s.Recheck, nil)
	}
	return err == nil
}

// serve reads the stream until the row changes or ctx ends, and returns when nothing is in flight any more.
func (r *runner) serve(ctx, grace context.Context, row row, changed <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	})
	for ctx.Err() == nil {
		wait, err := r.follow(ctx, grace, row)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.e.report(resultProblem + sourceProblem(err, row.source()))
			r.log().Warn("cannot read the event source", "stream", row.SourceARN, "error", err)
		}
		r.s.sleep(ctx, wait, nil)
	}
}

func (r *runner) log() *slog.Logger { return r.s.Log.With("mapping", r.e.uuid) }

// follow reads one incarnation of the stream for as long as it is there. When it returns before ctx has ended, it says
// how long to wait before looking again, and, if there is one, the problem.
func (r *runner) follow(ctx, grace context.Context, row row) (time.Duration, error) {
	st, err := r.s.Source.Describe(ctx, row.source())
	switch {
	case err != nil:
		return r.s.Recheck, err
	case st.Status == stream.StatusDeleting:
		return r.s.Recheck, &stream.NotFoundError{Name: st.Name}
	case len(st.Shards) == 0: // still being created
		return min(r.s.Recheck, time.Second), nil
	}
	points := newCheckpoints(r.s.Store, row.UUID, st.Number)
	done, void, err := points.load(ctx)
	if err == nil && len(void) > 0 {
		err = points.drop(ctx, void)
	}
	if err != nil {
		return min(r.s.Recheck, time.Second), err
	}
	return r.s.Recheck, newReading(r.s, r.e, row, st, points, done).run(ctx, grace)
}

// sourceProblem says in the source's words why it cannot be read.
func sourceProblem(err error, name stream.Name) string {
	if isNotFound(err) {
		return fmt.Sprintf("Stream %s under account %s not found.", name.Name, name.Account)
	}
	return err.Error()
}
