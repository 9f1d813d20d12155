package queue

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestWindowAgainstSortedList(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 2))
		w, all := newWindow(), []position{}
		taken := map[position]bool{}
		for n := uint64(1); n < 6000; n++ {
			switch random.IntN(4) {
			case 0, 1, 2:
				p := position{int64(n/8) + random.Int64N(1+int64(seed)*40), n}
				w.insert(fresh{position: p})
				w.insert(fresh{position: p})
				all = append(all, p)
			case 3:
				if f, ok := w.front(); ok {
					w.pop()
					taken[f.position] = true
				}
			}
			if w.len() > windowLimit {
				t.Fatalf("the window holds %d", w.len())
			}
		}
		slices.SortFunc(all, func(a, b position) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		i := 0
		for _, p := range all {
			if taken[p] || !p.before(w.edge) {
				continue
			}
			if have := w.items[w.head+i]; have.position != p {
				t.Fatalf("seed %d: %v at %d, want %v", seed, have, i, p)
			}
			i++
		}
		if i != w.len() {
			t.Fatalf("seed %d: %d items, want %d", seed, w.len(), i)
		}
	}
}

func TestScheduleAgainstSortedList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var s schedule
	var all []*entry
	for n := range 2000 {
		if len(all) > 0 && random.IntN(3) == 0 {
			i := random.IntN(len(all))
			all[i].remove()
			all[i].remove() // harmless
			all = slices.Delete(all, i, i+1)
			continue
		}
		e := &entry{position: position{number: uint64(n)}, receives: receives{deadline: random.Int64N(100)}}
		s.add(e)
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int {
		if a.deadline != b.deadline {
			return int(a.deadline - b.deadline)
		}
		return int(a.number) - int(b.number)
	})
	for _, e := range all {
		if s.top() != e {
			t.Fatalf("top is %v, want %v", s.top(), e)
		}
		e.remove()
	}
	if s.len() != 0 || s.top() != nil {
		t.Error("not empty")
	}
}

func TestDelaysAgainstList(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	now, d := int64(1_700_000_000_123), new(delays)
	var due []int64
	for range 3000 {
		switch random.IntN(3) {
		case 0:
			at := now + random.Int64N(900_001)
			d.forward(now)
			d.add(at, 1)
			due = append(due, at)
		case 1:
			now += random.Int64N(20_000)
			if random.IntN(100) == 0 {
				now += 2_000_000
			}
		case 2:
			if len(due) > 0 { // expired before it was due
				i := random.IntN(len(due))
				d.forward(now)
				d.add(due[i], -1)
				due = slices.Delete(due, i, i+1)
			}
		}
		d.forward(now)
		low, high := int64(0), int64(0)
		for _, at := range due {
			if at > now+999 {
				low++
			}
			if at > now-999 {
				high++
			}
		}
		if d.total < low || d.total > high {
			t.Fatalf("%d delayed, want %d to %d", d.total, low, high)
		}
	}
}

func TestRowsReadBack(t *testing.T) {
	p := position{due: 1_700_000_000_000, number: 7}
	if got, err := parseHeaderKey(headerKey(3, p)); err != nil || got != p {
		t.Errorf("%v %v", got, err)
	}
	r := receives{deadline: 1, last: 2, first: 3, count: 4}
	if got, err := decodeReceives(r.encode()); err != nil || got != r {
		t.Errorf("%v %v", got, err)
	}
	if _, err := decodeReceives(r.encode()[1:]); err == nil {
		t.Error("a short row was read")
	}
	if headerKey(1, position{2, 3}) >= headerKey(1, position{3, 2}) || headerKey(1, p) >= headerKey(2, p) {
		t.Error("headers do not sort by queue, due, number")
	}
}

func testKey(b byte) []byte { return bytes.Repeat([]byte{b}, keyBytes) }

func TestReceiptHandles(t *testing.T) {
	r := receipt{queue: 1 << 40, position: position{due: 1_700_000_000_000, number: 1<<40 + 17}, count: 3}
	handle := r.seal(testKey(1))
	if got, ok := openReceipt(testKey(1), handle); !ok || got != r {
		t.Errorf("%v %v", got, ok)
	}
	if !strings.HasPrefix(handle, "AQEB") || strings.Contains(handle, "=") {
		t.Errorf("handle %s", handle)
	}
	if _, ok := openReceipt(testKey(2), handle); ok {
		t.Error("opened with another key")
	}
	if _, ok := openReceipt(nil, handle); ok {
		t.Error("opened without a key")
	}
	for i := range handle {
		forged := []byte(handle)
		forged[i] ^= 1
		if _, ok := openReceipt(testKey(1), string(forged)); ok {
			t.Errorf("forged at %d", i)
		}
	}
}

func FuzzReceiptHandle(f *testing.F) {
	f.Add(receipt{queue: 1, position: position{2, 3}, count: 4}.seal(testKey(1)))
	f.Add("garbage")
	f.Add("")
	f.Fuzz(func(t *testing.T, handle string) {
		r, ok := openReceipt(testKey(1), handle)
		if ok && r.seal(testKey(1)) != handle {
			t.Errorf("%q opens as %v, which is another handle", handle, r)
		}
	})
}

func FuzzContent(f *testing.F) {
	c := content{
		sender: "s", trace: "t", body: "b",
		attributes: map[string]Attribute{"a": {Type: "String", Text: "x"}, "b": {Type: "Binary", Binary: []byte{1}}},
	}
	f.Add(c.encode())
	f.Add([]byte{rowVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeContent(b)
		if err != nil {
			return
		}
		again, err := decodeContent(c.encode())
		if err != nil || fmt.Sprint(again) != fmt.Sprint(c) {
			t.Errorf("%v, again %v: %v", c, again, err)
		}
	})
}

func FuzzAttributes(f *testing.F) {
	f.Add("DelaySeconds", "10", "x.y", "Number", "1e5")
	f.Add("Policy", "{}", "AWS.", "Binary", "\x00")
	f.Fuzz(func(t *testing.T, name, value, attribute, typ, text string) {
		kept, err := checkAttributes(Name{}, map[string]string{name: value})
		if err == nil {
			s := settings(Name{}, kept)
			if s.Delay > MaxDelay || s.Visibility > MaxVisibility || s.Wait > MaxWait || s.MaxBytes > MaxBatchBytes ||
				s.Delay < 0 || s.Visibility < 0 || s.Wait < 0 || s.MaxBytes < 1024 || s.Retention <= 0 {
				t.Errorf("%q=%q makes %+v", name, value, s)
			}
			if v, ok := kept[name]; ok && !strings.EqualFold(v, value) {
				t.Errorf("%q=%q was kept as %q", name, value, v)
			}
		}
		m := Message{Body: "b", Attributes: map[string]Attribute{attribute: {Type: typ, Text: text, Binary: []byte(text)}}}
		if m.check(settings(Name{}, nil)) == nil && (attribute == "" || typ == "" || text == "" || len(attribute) > 256) {
			t.Errorf("accepted %q %q %q", attribute, typ, text)
		}
	})
}
