package logs_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	door "github.com/millrace/millrace/aws/logs"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/logs"
	"github.com/millrace/millrace/store/disk/disktest"
)

// newHouse opens a room of logs in memory, with its door behind the dispatcher. Nothing of it runs but what is called.
func newHouse(t testing.TB, clock clockwork.Clock) (*logs.Service, http.Handler) {
	t.Helper()
	s := disktest.Memory(t)
	room, err := logs.New(logs.Config{Store: s, Clock: clock, Groups: 5})
	if err != nil {
		t.Fatal(err)
	}
	config := protocol.Config{Log: slog.New(slog.DiscardHandler), Account: "000000000000", Region: "us-east-1"}
	return room, protocol.NewHandler(config, door.New(room))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own, at noon of 1 August 2026, or a second later after
// each answer. A request is an operation and its document.
func TestWire(t *testing.T) {
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		clock := clockwork.NewFakeClockAt(noon)
		_, h := newHouse(t, clock)
		s.Play(t, nil, func(request string) string {
			defer clock.Advance(time.Second)
			operation, body, _ := strings.Cut(strings.TrimRight(request, "\n"), "\n")
			return wiretest.Show(wiretest.Serve(h, scope.Call("Logs_20140328."+operation, "application/x-amz-json-1.1", body)))
		})
	})
}

const scope wiretest.Scope = "20260801/us-east-1/logs"

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
