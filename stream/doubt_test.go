package stream

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/disktest"
)

// lateStore cannot say of the next append whether it happens. It does, ahead of the one that follows it: so it is on a disk
// that fills up and has room again.
type lateStore struct {
	Storage
	mu    sync.Mutex
	doubt bool
	late  []byte
	log   store.LogID
	hold  chan struct{} // commits wait until it is closed, if it is there
}

func (s *lateStore) Append(ctx context.Context, log store.LogID, draft store.Draft) (uint64, error) {
	if delayed, err := s.delay(log, draft); err != nil {
		return 0, err
	} else if delayed {
		return 0, errors.New("whether it happens is not known yet")
	}
	if err := s.catchUp(ctx); err != nil {
		return 0, err
	}
	return s.Storage.Append(ctx, log, draft)
}

// Commit implements store.Tables. It too has the append happen first, if that has not happened.
func (s *lateStore) Commit(ctx context.Context, writes ...store.Write) error {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	return s.Storage.Commit(ctx, writes...)
}

func (s *lateStore) delay(log store.LogID, draft store.Draft) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.doubt {
		return false, nil
	}
	data, err := draft.Fill()
	s.doubt, s.late, s.log = false, slices.Clone(data), log
	return true, err
}

func (s *lateStore) catchUp(ctx context.Context) error {
	s.mu.Lock()
	late := s.late
	s.late = nil
	s.mu.Unlock()
	if late == nil {
		return nil
	}
	_, err := s.Storage.Append(ctx, s.log, store.Data(late))
	return err
}

// TestAppendInDoubtThatHappensLate: a reader at the tip is handed it in its place, not passed by.
func TestAppendInDoubtThatHappensLate(t *testing.T) {
	engine := disktest.Memory(t)
	late := &lateStore{Storage: engine}
	service, err := New(Config{Store: late, Clock: clockwork.NewRealClock(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- service.Run(ctx) }()
	r := &rig{Service: service, t: t}
	st := r.make("s", 1)
	stop() // Run would settle the doubt
	<-ended
	ctx = t.Context()
	put := func(text string) error {
		puts, err := service.Put(ctx, st.Name, []Entry{{PartitionKey: "k", Data: []byte(text)}})
		if err != nil {
			return err
		}
		return puts[0].Err
	}
	if err := put("first"); err != nil {
		t.Fatal(err)
	}
	key := ShardKey{st.Number, 0}
	read := func(after Position) Batch {
		b, err := service.Read(ctx, key, after, 10, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	late.doubt = true
	if err := put("in doubt"); err == nil {
		t.Fatal("the append was not in doubt")
	}
	tip := read(0).Next // which looks for the end of the log anew
	if err := put("second"); err != nil {
		t.Fatal(err)
	}
	if got := texts(read(tip).Records); !slices.Equal(got, []string{"in doubt", "second"}) {
		t.Errorf("after the tip: %v", got)
	}
}

// TestAppendInDoubtThatHappensLateAtTheTip: a reader who waits at the tip is woken though nobody puts any more, and a shard
// that is split is not at its end before what was in doubt.
func TestAppendInDoubtThatHappensLateAtTheTip(t *testing.T) {
	for _, splits := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			engine := disktest.Memory(t)
			late := &lateStore{Storage: engine}
			r := serve(t, late)
			st := r.make("s", 1)
			ctx, key := t.Context(), ShardKey{st.Number, 0}
			late.mu.Lock()
			late.doubt, late.hold = true, make(chan struct{}) // Run is going to settle the doubt
			late.mu.Unlock()
			if puts, err := r.Put(ctx, st.Name, entries("in doubt ", 1)); err != nil || puts[0].Err == nil {
				t.Fatal("the append was not in doubt")
			}
			if b, err := r.Read(ctx, key, 0, 10, 1<<20); err != nil || len(b.Records) != 0 { // which looks for the end
				t.Fatalf("%v, %v", texts(b.Records), err)
			}
			close(late.hold)
			if splits {
				if err := r.SplitShard(ctx, st.Name, 0, st.Shards[0].Range.at(t)); err != nil {
					t.Fatal(err)
				}
			} else if err := r.Wait(ctx, key, 0); err != nil {
				t.Fatal(err)
			}
			r.pass(2 * transitionRetry)
			b, err := r.Read(ctx, key, 0, 10, 1<<20)
			if err != nil || !slices.Equal(texts(b.Records), []string{"in doubt 0"}) {
				t.Errorf("%v, %v", texts(b.Records), err)
			}
		})
	}
}

// TestConsumerThatTheStoreRefuses: what the store refuses of a consumer's transition is tried again after a rest, not at once.
func TestConsumerThatTheStoreRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Second})
		st := r.make("s", 1)
		c, err := r.RegisterConsumer(t.Context(), st.Name, "c", nil)
		if err != nil {
			t.Fatal(err)
		}
		var tries atomic.Int64
		r.hooks.commits(func(next func() error) error {
			if tries.Add(1) > 100 { // time would stand still for ever
				return next()
			}
			return store.ErrFull
		})
		r.pass(4500 * time.Millisecond)
		if n := tries.Load(); n < 2 || n > 5 {
			t.Errorf("%d tries", n)
		}
		r.hooks.commits(nil)
		r.pass(transitionRetry)
		if got := r.consumerStatus(c.ID()); got != StatusActive {
			t.Errorf("is %s", got)
		}
		r.stop()
	})
}
