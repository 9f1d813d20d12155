package logs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/logs"
)

// A reader at the end stays there, and finds what comes later; and turns around without missing or repeating anything.
func TestPlacesStay(t *testing.T) {
	r := open(t)
	r.make("s")
	empty := r.read(logs.Query{Streams: []string{"s"}, Backward: true})
	r.put("s", "1", "2", "3", "4")
	late := r.read(logs.Query{Streams: []string{"s"}, At: &empty.End})
	expect(t, "forward from when it was empty", texts(late), "1 2 3 4")

	last := r.read(logs.Query{Streams: []string{"s"}, Backward: true, Limit: 2})
	expect(t, "the last two", texts(last), "3 4")
	end := r.read(logs.Query{Streams: []string{"s"}, At: &last.End})
	expect(t, "behind them", texts(end), "")
	expect(t, "the place at the end", end.End, last.End)
	back := r.read(logs.Query{Streams: []string{"s"}, At: &end.Begin, Backward: true, Limit: 3})
	expect(t, "back from the end", texts(back), "2 3 4")
	r.clock.Advance(time.Second)
	r.put("s", "5")
	r.restart()
	expect(t, "what came later", texts(r.read(logs.Query{Streams: []string{"s"}, At: &end.End})), "5")
	place, err := logs.ParsePlace(end.End.String())
	if err != nil || place != end.End || len(place.String()) != 56 {
		t.Errorf("%s is read as %s: %v", end.End, place, err)
	}
	for _, text := range []string{"", "x", strings.Repeat("x", 56), strings.Repeat("9", 56), strings.Repeat("1", 57)} {
		_, err := logs.ParsePlace(text)
		r.expect(err, logs.ErrToken)
	}
}

// A query that finds nothing in very much gives up now and then, and says where to go on.
func TestScanIsBounded(t *testing.T) {
	r := open(t)
	r.make("s")
	line := strings.Repeat("x", 1_000_000)
	for range 20 { // of which a page looks through some 16
		r.put("s", line)
		r.clock.Advance(time.Second)
	}
	r.put("s", "found")
	for _, backward := range []bool{false, true} {
		q := logs.Query{All: true, Backward: backward, Match: func(m []byte) bool { return len(m) < 10 }}
		pages, found := 0, ""
		for more := true; more; pages++ {
			page := r.read(q)
			found += texts(page)
			q.At = &page.End
			if backward {
				q.At = &page.Begin
			}
			more = page.More
		}
		if found != "found" || pages != 2 {
			t.Errorf("%q found in %d pages", found, pages)
		}
	}
}

func TestNamesThatAreNotThere(t *testing.T) {
	r := open(t)
	_, err := r.Read(t.Context(), orders, logs.Query{All: true, Limit: 1})
	r.expect(err, logs.ErrGroupNotFound)
	_, err = r.Put(t.Context(), orders, "s", nil)
	r.expect(err, logs.ErrGroupNotFound)
	r.expect(r.DeleteGroup(t.Context(), orders), logs.ErrGroupNotFound)
	r.make("s")
	r.expect(r.CreateGroup(t.Context(), orders, logs.Settings{}), logs.ErrGroupExists)
	r.expect(r.CreateStream(t.Context(), orders, "s"), logs.ErrStreamExists)
	r.expect(r.DeleteStream(t.Context(), orders, "t"), logs.ErrStreamNotFound)
	_, err = r.Put(t.Context(), orders, "t", nil)
	r.expect(err, logs.ErrStreamNotFound)
	_, err = r.Read(t.Context(), orders, logs.Query{Streams: []string{"s", "t"}, Limit: 1})
	r.expect(err, logs.ErrStreamNotFound)
}

// What is made anew under an old name has nothing of what was there.
func TestNamesAreUsedAgain(t *testing.T) {
	r := open(t)
	r.make("s", "other")
	r.put("s", "old")
	r.put("other", "kept")
	r.check(r.DeleteStream(t.Context(), orders, "s"))
	expect(t, "without the stream", r.everything(), "kept")
	r.restart()
	r.check(r.CreateStream(t.Context(), orders, "s"))
	expect(t, "with another stream", r.everything(), "kept")
	r.put("s", "new")
	r.restart()
	expect(t, "in order", r.everything(), "kept new")
	r.check(r.DeleteGroup(t.Context(), orders))
	r.make("s")
	expect(t, "in another group", r.everything(), "")
	r.restart()
	expect(t, "in another group, later", r.everything(), "")
}

func TestProtectedGroup(t *testing.T) {
	r := open(t)
	r.check(r.CreateGroup(t.Context(), orders, logs.Settings{Protected: true}))
	r.restart()
	r.expect(r.DeleteGroup(t.Context(), orders), logs.ErrProtected)
	r.check(r.SetProtected(t.Context(), orders, false))
	r.check(r.DeleteGroup(t.Context(), orders))
}
