package mapping

import (
	"context"
	"errors"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// doubtful is a store that makes one commit and cannot say so, as when the disk fills up while the write is under way.
type doubtful struct {
	store.Tables
	next bool
}

var errDoubt = errors.New("whether it happens is not known yet")

func (d *doubtful) Commit(ctx context.Context, writes ...store.Write) error {
	err := d.Tables.Commit(ctx, writes...)
	if d.next && err == nil {
		d.next = false
		return errDoubt
	}
	return err
}

// TestUpdateAfterOneInDoubt: an update whose outcome the store does not know does not lock the mapping for good.
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
	tables.next = true
	if _, err := s.Update(ctx, testAccount, testRegion, m.UUID, Change{BatchSize: new(7)}); !errors.Is(err, errDoubt) {
		t.Fatalf("update in doubt: %v", err)
	}
	if _, err := s.Update(ctx, testAccount, testRegion, m.UUID, Change{ParallelizationFactor: new(3)}); !errors.Is(err, ErrInUse) {
		t.Fatalf("update behind it: %v", err)
	}
	m, err = s.Update(ctx, testAccount, testRegion, m.UUID, Change{ParallelizationFactor: new(3)})
	if err != nil || m.Settings.BatchSize != 7 || m.Settings.ParallelizationFactor != 3 {
		t.Errorf("update after it: %+v, %v", m.Settings, err)
	}
}
