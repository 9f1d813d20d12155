package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/race"
)

// model is a stream as it should be: for each shard, all its records in order.
type model struct {
	stream Stream
	shards [][]modelRecord
}

type modelRecord struct {
	text      string
	number    SequenceNumber
	arrival   time.Time
	encrypted bool
}

// kept returns a shard's records that have not expired.
func (m *model) kept(shard uint32, now time.Time) []modelRecord {
	all := m.shards[shard]
	i := slices.IndexFunc(all, func(r modelRecord) bool { return !r.arrival.Before(m.stream.horizon(now)) })
	if i < 0 {
		return nil
	}
	return all[i:]
}

// from returns the texts of the kept records that a start is about.
func (m *model) from(shard uint32, start Start, now time.Time) (texts []string) {
	for _, r := range m.kept(shard, now) {
		var in bool
		switch start.Type {
		case TrimHorizon:
			in = true
		case AtTimestamp:
			in = !r.arrival.Before(start.Timestamp)
		case AtSequenceNumber:
			in = r.number.Compare(start.SequenceNumber) >= 0
		case AfterSequenceNumber:
			in = r.number.Compare(start.SequenceNumber) > 0
		}
		if in {
			texts = append(texts, r.text)
		}
	}
	return texts
}

// explorer acts at random on a service and holds it against the model.
type explorer struct {
	*rig
	model
	swinging  *swingingClock
	rng       *rand.Rand
	n         int
	encrypted bool // whether the stream encrypts
}

func TestAgainstModel(t *testing.T) {
	seeds := uint64(12)
	if race.Enabled {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 1))
				clock := newSwingingClock()
				config := Config{Clock: clock, TailBytes: []int64{1, 3_000, 1 << 20}[seed%3]}
				e := &explorer{rig: newRig(t, config), swinging: clock, rng: rng}
				e.stream = e.make("s", 1+rng.IntN(3))
				e.shards = make([][]modelRecord, len(e.stream.Shards))
				for range 250 {
					e.act()
				}
				e.stop()
			})
		})
	}
}

func (e *explorer) act() {
	e.t.Helper()
	switch e.rng.IntN(14) {
	case 0, 1, 2, 3, 4:
		e.putSome()
	case 5, 6, 7, 8:
		e.seekAndRead()
	case 9:
		<-e.clock.After(time.Duration(e.rng.IntN(3000)) * time.Millisecond)
	case 10:
		// Far enough for records to expire now and then, and sometimes swept away.
		e.swinging.swing(time.Duration(e.rng.Int64N(int64(6*time.Hour))) + time.Microsecond)
		if e.rng.IntN(2) == 0 {
			e.sweep(e.t.Context())
		}
	case 11:
		e.restart()
	case 12:
		e.toggleEncryption()
	case 13:
		e.changeRetention()
	}
}

func (e *explorer) toggleEncryption() {
	e.t.Helper()
	var err error
	if e.encrypted {
		err = e.StopEncryption(e.t.Context(), e.stream.Name)
	} else {
		err = e.StartEncryption(e.t.Context(), e.stream.Name, "k")
	}
	var limit *RequestLimitError
	if err != nil && !errors.As(err, &limit) {
		e.t.Fatal(err)
	}
	e.await("s", StatusActive)
	e.encrypted = e.encrypted != (err == nil)
}

// changeRetention changes the retention, of which what has expired never hears.
func (e *explorer) changeRetention() {
	e.t.Helper()
	for i := range e.shards {
		e.shards[i] = slices.Clone(e.kept(uint32(i), e.clock.Now()))
	}
	hours := MinRetentionHours + e.rng.IntN(24)
	change := e.IncreaseRetention
	if time.Duration(hours)*time.Hour < e.stream.Retention {
		change = e.DecreaseRetention
	}
	if err := change(e.t.Context(), e.stream.Name, hours); err != nil {
		e.t.Fatal(err)
	}
	e.stream.Retention = time.Duration(hours) * time.Hour
}

func (e *explorer) putSome() {
	e.t.Helper()
	list := make([]Entry, 1+e.rng.IntN(20))
	for i := range list {
		e.n++
		list[i] = Entry{Data: fmt.Appendf(nil, "%d%0*d", e.n, e.rng.IntN(100), 0), PartitionKey: fmt.Sprint(e.rng.IntN(50))}
		if e.rng.IntN(4) == 0 {
			h := HashOf(fmt.Sprint(e.rng.Uint64()))
			list[i].ExplicitHashKey = &h
		}
	}
	puts, err := e.Put(e.t.Context(), e.stream.Name, list)
	if err != nil {
		e.t.Fatal(err)
	}
	now := e.clock.Now()
	for i, p := range puts {
		if p.Err != nil {
			e.t.Fatal(p.Err)
		}
		sh := e.stream.Shards[p.Shard]
		if !sh.Range.Contains(list[i].hash()) {
			e.t.Fatalf("entry %d went to shard %d", i, p.Shard)
		}
		e.shards[p.Shard] = append(e.shards[p.Shard], modelRecord{text: string(list[i].Data), number: p.SequenceNumber, arrival: now.Truncate(time.Microsecond), encrypted: e.encrypted})
		if o := p.SequenceNumber.Origin(); o.Time != now.Unix() || o.Shard != int32(p.Shard) || o.Creation != e.stream.Created.Unix() {
			e.t.Fatalf("number of %+v at %s", o, now)
		}
	}
}

// someStart picks a start at random, sometimes one that no record was given.
func (e *explorer) someStart(shard uint32) Start {
	all := e.shards[shard]
	start := Start{Type: []StartType{TrimHorizon, Latest, AtTimestamp, AtSequenceNumber, AfterSequenceNumber}[e.rng.IntN(5)]}
	if len(all) == 0 {
		start.SequenceNumber = e.stream.Shards[shard].Start()
		start.Timestamp = e.stream.Created
		return start
	}
	r := all[e.rng.IntN(len(all))]
	start.Timestamp = r.arrival.Add(time.Duration(e.rng.IntN(3)-1) * time.Microsecond)
	if start.Timestamp.After(e.clock.Now()) {
		start.Timestamp = r.arrival
	}
	o := r.number.Origin()
	switch e.rng.IntN(5) {
	case 0:
		o.Position += Position(e.rng.IntN(3)) - 1
	case 1:
		o.Time += int64(e.rng.IntN(3)) - 1
	case 2:
		o.Position = []Position{0, MaxPosition}[e.rng.IntN(2)]
	}
	start.SequenceNumber = encodeSequence(o)
	return start
}

func (e *explorer) seekAndRead() {
	e.t.Helper()
	shard := uint32(e.rng.IntN(len(e.shards)))
	key := ShardKey{e.stream.Number, shard}
	start := e.someStart(shard)
	after, err := e.Seek(e.t.Context(), key, start)
	if err != nil {
		e.t.Fatalf("%+v: %v", start, err)
	}
	want := e.from(shard, start, e.clock.Now())
	if start.Type == Latest {
		before := len(e.shards[shard])
		e.putSome()
		for _, r := range e.shards[shard][before:] {
			want = append(want, r.text)
		}
	}
	if e.rng.IntN(6) == 0 {
		e.restart() // cursors outlive it
	}
	found := e.readThrough(key, after, len(want) == 0)
	if got := texts(found); !slices.Equal(got, want) {
		e.t.Fatalf("shard %d from %+v (%d records in all): %d records, want %d\n%v\n%v", shard, start, len(e.shards[shard]), len(got), len(want), got, want)
	}
	for _, rec := range found {
		n := e.stream.Shards[shard].SequenceNumber(rec.Position, rec.Arrival)
		i := slices.IndexFunc(e.shards[shard], func(m modelRecord) bool { return m.number == n })
		if i < 0 || e.shards[shard][i].text != string(rec.Data) || !e.shards[shard][i].arrival.Equal(rec.Arrival) || e.shards[shard][i].encrypted != rec.Encrypted {
			e.t.Fatalf("record %s at %s is not what was put", rec.Data, rec.Arrival)
		}
	}
}

// readThrough reads to the tip in steps of odd sizes, and checks each batch.
func (e *explorer) readThrough(key ShardKey, after Position, empty bool) (found []Record) {
	e.t.Helper()
	tip := false
	for {
		records, bytes := 1+e.rng.IntN(30), 1+e.rng.IntN(1000)
		b, err := e.Read(e.t.Context(), key, after, records, bytes)
		if err != nil {
			e.t.Fatal(err)
		}
		size := 0
		for i := range b.Records {
			size += b.Records[i].size()
		}
		if len(b.Records) > records || size > bytes && len(b.Records) > 1 || b.Next < after || b.End {
			e.t.Fatalf("%d records (at most %d) of %d bytes (at most %d), next %x after %x", len(b.Records), records, size, bytes, uint64(b.Next), uint64(after))
		}
		found = append(found, b.Records...)
		after = b.Next
		if len(b.Records) == 0 {
			if b.MillisBehind != 0 {
				e.t.Fatalf("%d ms behind at the tip", b.MillisBehind)
			}
			break
		}
		if tip {
			e.t.Fatal("a batch that was 0 ms behind had records after it")
		}
		tip = b.MillisBehind == 0
		if behind := max(1, e.clock.Now().Sub(b.Records[len(b.Records)-1].Arrival).Milliseconds()); !tip && b.MillisBehind != behind {
			e.t.Fatalf("%d ms behind, want %d", b.MillisBehind, behind)
		}
	}
	// At the tip nothing is to be had, and Wait says so until there is.
	ctx, cancel := context.WithTimeout(e.t.Context(), time.Millisecond)
	defer cancel()
	if err := e.Wait(ctx, key, after); !errors.Is(err, context.DeadlineExceeded) {
		e.t.Fatalf("wait at the tip: %v (read nothing: %v)", err, empty)
	}
	return found
}
