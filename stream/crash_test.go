package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store/disk"
)

// ledger is what writers were told, in the order of each one's puts.
type ledger struct {
	mu    sync.Mutex
	acked map[int][]ledgerLine
}

type ledgerLine struct {
	text   string
	shard  uint32
	number SequenceNumber
}

func (l *ledger) add(writer int, lines ...ledgerLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[writer] = append(l.acked[writer], lines...)
}

func (l *ledger) copy() map[int][]ledgerLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := make(map[int][]ledgerLine)
	for w, lines := range l.acked {
		c[w] = lines[:len(lines):len(lines)]
	}
	return c
}

// TestAcknowledgedPutsSurviveACrash clones the disk, as a loss of power would leave it, again and again while writers
// put, and opens a service on each clone: what had been acknowledged before is there, once, under its number, in order.
func TestAcknowledgedPutsSurviveACrash(t *testing.T) {
	const writers, crashes, rounds = 8, 30, 8
	fs := vfs.NewCrashableMem()
	s, err := disk.Open(disk.Options{Memory: true, FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := serve(t, s)
	st := r.make("s", 3)
	book := &ledger{acked: make(map[int][]ledgerLine)}
	rng := rand.New(rand.NewPCG(1, 1))
	for crash := range crashes {
		if crash == crashes/2 { // from here on what lies on the disk is encrypted
			if err := r.StartEncryption(t.Context(), st.Name, "k"); err != nil {
				t.Fatal(err)
			}
			r.await("s", StatusActive)
		}
		done := make(chan struct{}, writers*rounds) // an element for each put that was answered
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for i := range rounds {
					r.putLedger(book, w, fmt.Sprint(crash, ".", w, ".", i, "."), 1+i%5)
					done <- struct{}{}
				}
			})
		}
		for range rng.IntN(writers * rounds) {
			<-done
		}
		acked := book.copy()
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[crash%3], RNG: rng})
		group.Wait()
		checkClone(t, crash, clone, st, acked)
	}
}

func (r *rig) putLedger(book *ledger, writer int, text string, n int) {
	list := entries(text, n)
	puts, err := r.Put(context.Background(), named("s"), list)
	if err != nil {
		r.t.Errorf("put: %v", err)
		return
	}
	for j, p := range puts {
		if p.Err != nil {
			r.t.Errorf("put: %v", p.Err)
		}
		book.add(writer, ledgerLine{string(list[j].Data), p.Shard, p.SequenceNumber})
	}
}

// serve runs a service over a store.
func serve(t *testing.T, s Storage) *rig {
	t.Helper()
	service, err := New(Config{Store: s, Clock: clockwork.NewRealClock(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- service.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &rig{Service: service, t: t}
}

func checkClone(t *testing.T, crash int, clone vfs.FS, st Stream, acked map[int][]ledgerLine) {
	t.Helper()
	s, err := disk.Open(disk.Options{Memory: true, FS: clone})
	if err != nil {
		t.Fatalf("crash %d: %v", crash, err)
	}
	defer s.Close()
	service, err := New(Config{Store: s, Clock: clockwork.NewRealClock(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("crash %d: %v", crash, err)
	}
	r := &rig{Service: service, t: t}
	found := make(map[string]ledgerLine)
	for _, sh := range st.Shards {
		records, _ := r.drain(ShardKey{st.Number, sh.Index}, 0, 1000)
		for _, rec := range records {
			if _, ok := found[string(rec.Data)]; ok {
				t.Errorf("crash %d: %s is there twice", crash, rec.Data)
			}
			found[string(rec.Data)] = ledgerLine{string(rec.Data), sh.Index, sh.SequenceNumber(rec.Position, rec.Arrival)}
		}
	}
	n := 0
	for _, lines := range acked {
		for _, line := range lines {
			n++
			if found[line.text] != line {
				t.Fatalf("crash %d: %+v was acknowledged, found %+v", crash, line, found[line.text])
			}
		}
	}
	// And it goes on: a new put gets a greater number than all before it.
	puts, err := service.Put(t.Context(), st.Name, entries("later", 9))
	if err != nil {
		t.Fatalf("crash %d: %v", crash, err)
	}
	for _, p := range puts {
		for _, line := range found {
			if line.shard == p.Shard && p.SequenceNumber.Compare(line.number) <= 0 {
				t.Fatalf("crash %d: %s comes after %s", crash, p.SequenceNumber, line.number)
			}
		}
	}
	if crash == 0 {
		if err := service.Create(t.Context(), st.Name, CreateOptions{}); !errors.As(err, new(*ExistsError)) {
			t.Errorf("the stream is not there: %v", err)
		}
	}
	if t.Failed() {
		t.Logf("crash %d: %d acknowledged, %d found", crash, n, len(found))
	}
}
