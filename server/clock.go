package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// residents are the rooms that run, and before them, since they wait by it until they have stopped, the test clock.
func (s *Server) residents() []*resident {
	rooms := s.rooms.residents(s.config)
	if s.testClock == nil {
		return rooms
	}
	return slices.Insert(rooms, 0, &resident{name: "test clock", run: s.testClock.Run})
}

func (s *Server) clockPages(mux *http.ServeMux) {
	mux.HandleFunc("GET /_millrace/clock", s.withTestClock(func(*http.Request) error { return nil }))
	mux.HandleFunc("POST /_millrace/clock", s.withTestClock(s.setClock))
}

// clockPage is what is told of a test clock.
type clockPage struct {
	Now    time.Time `json:"now"`
	Frozen bool      `json:"frozen"`
	// Ahead is how far the clock is ahead of the wall's, as Go writes durations; negative when it is behind.
	Ahead string `json:"ahead"`
}

// withTestClock does something to the test clock, if there is one, and tells of it.
func (s *Server) withTestClock(do func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.testClock == nil {
			writePage(w, http.StatusNotFound, map[string]string{"error": "the time is the wall clock's, since the server was not started with --test-clock on"})
			return
		}
		if err := do(r); err != nil {
			writePage(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		now, ahead, frozen := s.testClock.State()
		writePage(w, http.StatusOK, clockPage{Now: now.UTC(), Frozen: frozen, Ahead: ahead.Round(time.Millisecond).String()})
	}
}

// farthest is how far the clock may be moved at a time. Sequence numbers and other stored forms have room for centuries.
const farthest = 10 * 366 * 24 * time.Hour

// setClock freezes the clock or lets it go, and advances it.
func (s *Server) setClock(r *http.Request) error {
	set, err := readClockSetting(r.URL.Query(), s.testClock.Now())
	if err != nil {
		return err
	}
	if set.frozen != nil {
		s.testClock.Freeze(*set.frozen)
	}
	return s.testClock.Advance(r.Context(), set.advance)
}

// clockSetting is what a client wants of the clock.
type clockSetting struct {
	frozen  *bool // nil leaves it as it is
	advance time.Duration
}

// readClockSetting reads the parameters of a request: frozen is true or false; advance a duration, or until a time.
func readClockSetting(q url.Values, now time.Time) (set clockSetting, err error) {
	for name := range q {
		value := q.Get(name)
		switch name {
		case "frozen":
			frozen, err := strconv.ParseBool(value)
			if err != nil {
				return set, errors.New("frozen is true or false")
			}
			set.frozen = &frozen
		case "advance":
			if set.advance, err = time.ParseDuration(value); err != nil {
				return set, errors.New("advance is a duration such as 90s, 5m or 24h")
			}
		case "until":
			until, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return set, errors.New("until is a time such as 2030-01-31T12:00:00Z")
			}
			set.advance = until.Sub(now)
		default:
			if !strings.HasPrefix(name, "X-Amz-") { // of a signature
				return set, fmt.Errorf("there is no setting %q: frozen, advance and until", name)
			}
		}
	}
	switch {
	case q.Has("advance") && q.Has("until"):
		return set, errors.New("advance and until exclude each other")
	case set.advance < 0:
		return set, errors.New("time does not go back")
	case set.advance > farthest:
		return set, errors.New("that is more than ten years ahead")
	}
	return set, nil
}
