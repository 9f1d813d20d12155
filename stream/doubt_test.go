package stream

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
)

// lateStore cannot say of the next append whether it happens. It does, ahead of the one that follows it: so it is on a disk
// that fills up and has room again.
type lateStore struct {
	Storage
	doubt bool
	late  []byte
}

func (s *lateStore) Append(ctx context.Context, log store.LogID, draft store.Draft) (uint64, error) {
	if s.doubt {
		data, err := draft.Fill()
		if err != nil {
			return 0, err
		}
		s.doubt, s.late = false, slices.Clone(data)
		return 0, errors.New("whether it happens is not known yet")
	}
	if s.late != nil {
		if _, err := s.Storage.Append(ctx, log, store.Data(s.late)); err != nil {
			return 0, err
		}
		s.late = nil
	}
	return s.Storage.Append(ctx, log, draft)
}

// TestAppendInDoubtThatHappensLate: a reader at the tip is handed it in its place, not passed by.
func TestAppendInDoubtThatHappensLate(t *testing.T) {
	engine, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	late := &lateStore{Storage: engine}
	service, err := New(Config{Store: late, Clock: clockwork.NewRealClock(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- service.Run(ctx) }()
	defer func() {
		stop()
		<-ended
	}()
	r := &rig{Service: service, t: t}
	st := r.make("s", 1)
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
