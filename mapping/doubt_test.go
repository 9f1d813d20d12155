package mapping

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// doubtful is a store that makes one commit and cannot say so, as when the disk fills up while the write is under way.
type doubtful struct {
	store.Tables
	next atomic.Bool
}

var errDoubt = errors.New("whether it happens is not known yet")

func (d *doubtful) Commit(ctx context.Context, writes ...store.Write) error {
	err := d.Tables.Commit(ctx, writes...)
	if err == nil && d.next.CompareAndSwap(true, false) {
		return errDoubt
	}
	return err
}

// TestUpdateAfterOneInDoubt: a change whose outcome the store does not know is there for the next one.
func TestUpdateAfterOneInDoubt(t *testing.T) {
	ctx, clock := context.Background(), clockwork.NewFakeClock()
	source, tables := newFakeSource(clock), &doubtful{Tables: newFakeTables()}
	source.create(streamName("orders"), 1, 0)
	s, err := New(Config{Store: tables, Clock: clock, Source: source, Invoker: &parts{}, Destination: &parts{}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Create(ctx, CreateInput{
		Account: testAccount, Region: testRegion, Source: streamName("orders"), Function: functionRef("charge"),
		Start: stream.Start{Type: stream.TrimHorizon}, Settings: Defaults(),
	})
	if err != nil {
		t.Fatal(err)
	}
	tables.next.Store(true)
	if _, err := s.Update(ctx, testAccount, testRegion, m.UUID, Change{BatchSize: new(7)}); !errors.Is(err, errDoubt) {
		t.Fatalf("update in doubt: %v", err)
	}
	m, err = s.Update(ctx, testAccount, testRegion, m.UUID, Change{ParallelizationFactor: new(3)})
	if err != nil || m.Settings.BatchSize != 7 || m.Settings.ParallelizationFactor != 3 {
		t.Errorf("update after it: %+v, %v", m.Settings, err)
	}
	tables.next.Store(true)
	if _, err := s.Delete(ctx, testAccount, testRegion, m.UUID); !errors.Is(err, errDoubt) {
		t.Fatalf("deletion in doubt: %v", err)
	}
	if _, err := s.Delete(ctx, testAccount, testRegion, m.UUID); !errors.Is(err, ErrNotFound) {
		t.Errorf("deletion after it: %v", err)
	}
}

// TestCreateInDoubt: a mapping of which the store could not say whether it was made is there as soon as that is known, and
// keeps another of the same pair from being made.
func TestCreateInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.source.create(streamName("orders"), 1, 0)
		w.functions["charge"] = &fakeFunction{}
		tables := &doubtful{Tables: w.tables}
		config := w.config
		config.Store, config.Clock, config.Source, config.Invoker, config.Destination = tables, w.clock, w.source, &parts{}, &parts{}
		s, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		in := CreateInput{
			Account: testAccount, Region: testRegion, Source: streamName("orders"), Function: functionRef("charge"),
			Start: stream.Start{Type: stream.TrimHorizon}, Settings: Defaults(),
		}
		tables.next.Store(true)
		if _, err := s.Create(ctx, in); !errors.Is(err, errDoubt) {
			t.Fatalf("create in doubt: %v", err)
		}
		synctest.Wait()
		if all := s.All(); len(all) != 1 || all[0].State != Enabled {
			t.Errorf("mappings: %+v", all)
		}
		if _, err := s.Create(ctx, in); !errors.As(err, new(*ExistsError)) {
			t.Errorf("create once more: %v", err)
		}
		stop()
		<-ended
	})
}
