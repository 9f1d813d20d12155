package mapping

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// runner leads one mapping through its states for as long as Run runs.
//
// Here and below, ctx ends when nothing new may begin, and grace, which outlives it, when what is in flight is
// abandoned.
type runner struct {
	s      *Service
	e      *entry
	fanout fanout
}

func newRunner(s *Service, e *entry) *runner {
	return &runner{s: s, e: e, fanout: fanout{s: s, e: e}}
}

func (r *runner) run(ctx, grace context.Context) {
	defer r.fanout.close()
	for ctx.Err() == nil {
		row, changed := r.e.current()
		now := r.s.config.Clock.Now()
		switch row.Phase.at(now) {
		case Enabled:
			r.serve(ctx, grace, row, changed)
		case Disabled:
			r.fanout.close()
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

// reap removes the mapping from the store and reports whether it could. If not, it has waited a little, unless the pair was
// taken from it meanwhile by a new mapping: then it can at once.
func (r *runner) reap(ctx context.Context, row *row) bool {
	err := r.s.reap(ctx, r.e, row)
	if err != nil && !errors.Is(err, store.ErrConflict) && ctx.Err() == nil {
		r.s.config.Log.Error("cannot remove event source mapping", "mapping", r.e.uuid, "error", err)
		r.s.sleep(ctx, r.s.config.Recheck, nil)
	}
	return err == nil
}

// serve reads the stream until the row changes so that it is not to be read any more, or ctx ends, and returns when nothing is
// in flight any more.
func (r *runner) serve(ctx, grace context.Context, row row, changed <-chan struct{}) {
	for !ended(ctx, changed) {
		r.e.does(doing{})
		wait, err := r.follow(ctx, grace, row, changed)
		if ended(ctx, changed) {
			return
		}
		now := r.s.config.Clock.Now()
		r.e.does(doing{what: history.WaitStream, since: now, until: now.Add(wait)})
		r.fanout.close()
		if err != nil {
			r.e.report(sourceProblem(err))
			r.log().Warn("cannot read the event source", "stream", row.SourceARN, "error", err)
		}
		r.s.sleep(ctx, wait, changed)
	}
}

// ended reports whether the row has changed or ctx has ended.
func ended(ctx context.Context, changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return ctx.Err() != nil
	}
}

func (r *runner) log() *slog.Logger { return r.s.config.Log.With("mapping", r.e.uuid) }

// follow reads one incarnation of the stream for as long as it is there. When it returns before ctx has ended, it says
// how long to wait before looking again, and, if there is one, the problem.
func (r *runner) follow(ctx, grace context.Context, row row, changed <-chan struct{}) (time.Duration, error) {
	st, err := r.s.describe(ctx, &row)
	var inactive *stream.ConsumerNotActiveError
	switch {
	case errors.As(err, &inactive): // still being registered
		return min(r.s.config.Recheck, time.Second), err
	case err != nil:
		return r.s.config.Recheck, err
	case len(st.Shards) == 0: // still being created
		return min(r.s.config.Recheck, time.Second), nil
	}
	terms, err := r.s.terms(row, changed)
	if err != nil { // another release took what this one does not understand
		return r.s.config.Recheck, err
	}
	points := newCheckpoints(r.s.config.Store, row.UUID, st.Number)
	done, void, err := points.load(ctx)
	if err == nil {
		err = points.drop(ctx, append(void, points.expired(done, &st)...))
	}
	if err != nil {
		return min(r.s.config.Recheck, time.Second), err
	}
	rd := newReading(r, terms, st, points, done)
	r.e.watch(rd)
	defer r.e.watch(nil)
	return r.s.config.Recheck, rd.run(ctx, grace)
}

// sourceProblem is the result that says why the source cannot be read.
func sourceProblem(err error) string {
	var (
		missing  *stream.NotFoundError
		consumer *stream.ConsumerNotFoundError
		inactive *stream.ConsumerNotActiveError
		taken    *stream.SubscribedError
		denied   *SourceDeniedError
	)
	switch {
	case errors.As(err, &denied):
		return "PROBLEM: " + denied.Error()
	case errors.As(err, &missing):
		return fmt.Sprintf("PROBLEM: Stream %s under account %s not found.", missing.Name.Name, missing.Name.Account)
	case errors.As(err, &consumer):
		return fmt.Sprintf("PROBLEM: Consumer %s, account %s not found.", consumer.ID, consumer.ID.Stream.Account)
	case errors.As(err, &inactive):
		c := inactive.Consumer
		return fmt.Sprintf("PROBLEM: Consumer %s with creation timestamp %d under stream: %s , account %s is not in ACTIVE status.",
			c.Name, c.Created.Unix(), c.Stream.Name, c.Stream.Account)
	case errors.As(err, &taken):
		s := taken.Consumer.Stream
		return fmt.Sprintf("PROBLEM: Another active subscription exists for this consumer: %s:%s:%s:%s",
			s.Account, s.Name, stream.ShardID(taken.Shard), taken.Consumer.Name)
	}
	return resultInternal // what went wrong inside is for the log
}
