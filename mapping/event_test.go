package mapping

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/stream"
)

// golden compares with a file of testdata/golden, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *rewrite {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n%s\nshould be\n%s", name, got, want)
	}
}

var (
	testSource = stream.Name{Account: "111111111111", Region: "us-east-1", Name: "s"}
	testShard  = stream.Shard{Index: 3, Created: time.Unix(1789809000, 0), Parent: stream.NoParent, AdjacentParent: stream.NoParent}
	testRole   = "arn:aws:iam::111111111111:role/r"
)

func eventRecords() []stream.Record {
	at := func(ms int64) time.Time { return time.UnixMilli(ms).Add(456 * time.Microsecond) }
	return []stream.Record{
		{Position: 1 << 16, Arrival: at(1789809023187), PartitionKey: "k", Data: []byte("hello")},
		{Position: 1<<16 + 1, Arrival: at(1789809023800), PartitionKey: "ключ \"1\"\\\n\x01", Data: nil},
		{Position: 2 << 16, Arrival: at(1789809024000), PartitionKey: "</&>\u2028\x7f", Data: []byte{0, 1, 2, 255}},
		{Position: 3 << 16, Arrival: at(1789809024010), PartitionKey: "\xff", Data: []byte(`{"a": 1.0}`)},
	}
}

// Facts: 3.2.1, 3.2.2, 3.2.3, 6.6.
func TestEventGolden(t *testing.T) {
	form := newEventForm(testSource.ARN(), testSource.Region, testShard)
	event, n := form.append(nil, eventRecords(), testRole, []byte(eventTail))
	if n != 4 {
		t.Errorf("%d records of 4", n)
	}
	golden(t, "event.json", event)
	one, _ := form.append([]byte("before"), eventRecords()[:1], testRole, []byte(eventTail))
	golden(t, "event_one.json", bytes.TrimPrefix(one, []byte("before")))
	other := newEventForm(stream.Name{Account: "1", Region: "cn-north-1", Name: "s"}.ARN(), "cn-north-1", testShard)
	event, _ = other.append(nil, eventRecords()[:1], "", []byte(eventTail))
	golden(t, "event_china.json", event)
}

// TestWindowEventGolden writes what an event says of its window, and of the last of it.
// Facts: 3.3.2, 10.23.
func TestWindowEventGolden(t *testing.T) {
	form := newEventForm(testSource.ARN(), testSource.Region, testShard)
	w := windowOf(time.Unix(1607497475, 0), 2*time.Minute) // the guide's own example: 07:04 to 07:06
	w.State = []byte(`{"1":282,"2":"<é>"}`)
	event, _ := form.append(nil, eventRecords()[:1], testRole, form.windowTail(w, false))
	golden(t, "event_window.json", event)
	event, n := form.append(nil, nil, testRole, form.windowTail(w, true))
	if n != 0 || !json.Valid(event) {
		t.Errorf("%d records in %s", n, event)
	}
	golden(t, "event_final.json", event)
	if early := string(form.windowTail(&tumbling{Start: 0, End: 60, State: make([]byte, maxState+1)}, true)); !strings.HasSuffix(early, `"isFinalInvokeForWindow":true,"isWindowTerminatedEarly":true}`) {
		t.Errorf("a state too large: %s", early[len(early)-80:])
	}
}

// TestWindowEventSize: what a batch is expected to take with its window is what its event takes, to the byte, and it
// ends where the window does.
// Facts: 3.1.9.
func TestWindowEventSize(t *testing.T) {
	form := newEventForm(testSource.ARN(), testSource.Region, testShard)
	records := eventRecords()
	w := windowOf(records[0].Arrival, time.Second)
	w.State = []byte(`{"a":[1,2,3]}`)
	f := fill{window: w}
	if full := f.extend(records, 100, form, testRole); !full || f.n != 2 {
		t.Errorf("a batch of %d, full: %t", f.n, full)
	}
	event, n := form.append(nil, records[:f.n], testRole, form.windowTail(w, false))
	if n != f.n || f.size != len(event) || !json.Valid(event) {
		t.Errorf("%d bytes were expected, %d came: %s", f.size, len(event), event)
	}
}

// Facts: 3.3.1.
func TestWindowOf(t *testing.T) {
	for _, c := range []struct{ arrival, length, start int64 }{
		{0, 1, 0}, {59, 60, 0}, {60, 60, 60}, {61, 60, 60}, {1607497475, 120, 1607497440}, {1607497475, 900, 1607497200}, {20, 7, 14},
	} {
		w := windowOf(time.Unix(c.arrival, 999_999_999), time.Duration(c.length)*time.Second)
		if w.Start != c.start || w.End != c.start+c.length || string(w.State) != "{}" {
			t.Errorf("%d with windows of %d s: %d to %d, %s", c.arrival, c.length, w.Start, w.End, w.State)
		}
		if !w.holds(time.Unix(w.Start, 0)) || !w.holds(time.Unix(w.End, -1)) || w.holds(time.Unix(w.End, 0)) || w.holds(time.Unix(w.Start, -1)) {
			t.Errorf("%+v holds the wrong times", w)
		}
	}
}

// TestEventIsJSON reads events as a function would.
// Facts: 3.2.1.
func TestEventIsJSON(t *testing.T) {
	records := eventRecords()
	event, _ := newEventForm(testSource.ARN(), testSource.Region, testShard).append(nil, records, `role "x"`, []byte(eventTail))
	var read struct {
		Records []struct {
			Kinesis struct {
				PartitionKey, SequenceNumber, Data string
				ApproximateArrivalTimestamp        float64
			}
			EventID, InvokeIdentityArn string
		}
	}
	if err := json.Unmarshal(event, &read); err != nil {
		t.Fatal(err)
	}
	for i, r := range read.Records {
		if want := strings.ToValidUTF8(records[i].PartitionKey, "\ufffd"); r.Kinesis.PartitionKey != want {
			t.Errorf("partition key %q, not %q", r.Kinesis.PartitionKey, want)
		}
		if data, _ := base64.StdEncoding.DecodeString(r.Kinesis.Data); !bytes.Equal(data, records[i].Data) {
			t.Errorf("data %q, not %q", data, records[i].Data)
		}
		if got, want := int64(r.Kinesis.ApproximateArrivalTimestamp*1000+0.5), records[i].Arrival.UnixMilli(); got != want {
			t.Errorf("arrival %d, not %d", got, want)
		}
		if want := "shardId-000000000003:" + r.Kinesis.SequenceNumber; r.EventID != want || r.InvokeIdentityArn != `role "x"` {
			t.Errorf("event id %q, not %q; role %q", r.EventID, want, r.InvokeIdentityArn)
		}
	}
}

// TestEventLimit fills an event to the last byte, and by one more.
// Facts: 3.1.7, 10.20.
func TestEventLimit(t *testing.T) {
	form := newEventForm(testSource.ARN(), testSource.Region, testShard)
	big := func(n int) stream.Record {
		return stream.Record{Position: 1 << 16, Arrival: noon, PartitionKey: "k", Data: make([]byte, n)}
	}
	small := big(0)
	base := len(eventHead) + len(eventTail) + form.size(&small, testRole)
	room := (maxEvent - base) / 4 * 3 // bytes of data that fill the event but for at most three
	padding := maxEvent - base - room/3*4
	fitting := big(room)
	fitting.PartitionKey += strings.Repeat("k", padding)
	over := fitting
	over.PartitionKey += "k"

	for _, c := range []struct {
		name    string
		records []stream.Record
		length  int
		fits    int
	}{
		{"one that just fits", []stream.Record{fitting}, maxEvent, 1},
		{"one over the limit", []stream.Record{over}, maxEvent + 1, 1},
		{"no room for another", []stream.Record{fitting, small}, maxEvent, 1},
		{"over the limit and another", []stream.Record{over, small}, maxEvent + 1, 1},
		{"small ones before", []stream.Record{small, small, fitting, small}, 0, 2},
	} {
		event, n := form.append(nil, c.records, testRole, []byte(eventTail))
		if n != c.fits || c.length != 0 && len(event) != c.length || !json.Valid(event) {
			t.Errorf("%s: %d records, %d bytes; want %d and %d", c.name, n, len(event), c.fits, c.length)
		}
		var f fill
		full := f.extend(c.records, 100, form, testRole)
		if f.n != n || full != (n < len(c.records)) {
			t.Errorf("%s: a batch of %d, full: %t, an event of %d", c.name, f.n, full, n)
		}
		if f.size != len(event) {
			t.Errorf("%s: %d bytes were expected, %d came", c.name, f.size, len(event))
		}
	}
}

// Facts: 4.7.
func TestFillStopsAtBatchSize(t *testing.T) {
	form := newEventForm(testSource.ARN(), testSource.Region, testShard)
	var f fill
	if f.extend(eventRecords()[:2], 3, form, testRole) || f.n != 2 {
		t.Errorf("a batch of %d is full with two of three", f.n)
	}
	if !f.extend(eventRecords(), 3, form, testRole) || f.n != 3 {
		t.Errorf("a batch of %d is not full with three of three", f.n)
	}
	event, _ := form.append(nil, eventRecords()[:3], testRole, []byte(eventTail))
	if f.size != len(event) {
		t.Errorf("%d bytes were expected, %d came", f.size, len(event))
	}
}

// Facts: 3.2.1.
func TestAppendSeconds(t *testing.T) {
	for ms, want := range map[int64]string{0: "0", 1: "0.001", 100: "0.1", 120: "0.12", 386800: "386.8", 1789809023187: "1789809023.187", 5000: "5"} {
		if got := string(appendSeconds(nil, time.UnixMilli(ms))); got != want {
			t.Errorf("%d ms is %s, not %s", ms, got, want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é\u2028\U0001f600", "\xff\xc3", "a\xe2\x82"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		encoded := appendString(nil, s)
		if len(encoded) != stringSize(s) {
			t.Errorf("%q takes %d bytes, not %d", s, len(encoded), stringSize(s))
		}
		var back string
		if err := json.Unmarshal(fmt.Appendf(nil, `"%s"`, encoded), &back); err != nil {
			t.Fatalf("%q becomes %q: %v", s, encoded, err)
		}
		want := s
		if !utf8.ValidString(s) {
			want = string([]rune(s)) // each bad byte becomes a replacement character
		}
		if back != want {
			t.Errorf("%q becomes %q", s, back)
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	records := make([]stream.Record, 1000)
	for i := range records {
		records[i] = stream.Record{
			Position: stream.Position(i) << 16, Arrival: noon.Add(time.Duration(i) * time.Millisecond),
			PartitionKey: fmt.Sprintf("key-%d", i), Data: bytes.Repeat([]byte("x"), 100),
		}
	}
	form := newEventForm(testSource.ARN(), testSource.Region, testShard)
	event, _ := form.append(nil, records, testRole, []byte(eventTail))
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		event, _ = form.append(event[:0], records, testRole, []byte(eventTail))
	}
}
