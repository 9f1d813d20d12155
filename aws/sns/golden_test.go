package sns_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/sns"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/topic"
)

// postbox keeps what is delivered.
type postbox struct {
	mu   sync.Mutex
	text []string
}

// Deliver implements topic.Deliverer. The queue "gone" takes nothing, "broken" fails.
func (p *postbox) Deliver(_ context.Context, endpoint string, deliveries []topic.Delivery) ([]error, error) {
	switch {
	case strings.HasSuffix(endpoint, ":gone"):
		return slices.Repeat([]error{topic.ErrUndeliverable}, len(deliveries)), nil
	case strings.HasSuffix(endpoint, ":broken"):
		return nil, fmt.Errorf("disk full")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range deliveries {
		text := "to " + endpoint + "\n" + d.Body
		for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
			text += fmt.Sprintf("\nwith %s=%+v", name, d.Attributes[name])
		}
		if d.DeduplicationID != nil {
			text += fmt.Sprintf("\nin group %s, known by %s", *d.Group, *d.DeduplicationID)
		}
		p.text = append(p.text, text)
	}
	return nil, nil
}

// empty returns what was delivered since the last call.
func (p *postbox) empty() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.text
	slices.SortStableFunc(all, func(a, b string) int { // by endpoint, in the order of delivery
		a, _, _ = strings.Cut(a, "\n")
		b, _, _ = strings.Cut(b, "\n")
		return strings.Compare(a, b)
	})
	p.text = nil
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "\n") + "\n"
}

// newHouse opens a room in memory with its door behind the dispatcher.
func newHouse(t testing.TB, clock clockwork.Clock, d topic.Deliverer) http.Handler {
	t.Helper()
	engine := disktest.Memory(t)
	log := slog.New(slog.DiscardHandler)
	topics, err := topic.New(context.Background(), topic.Config{Store: engine, Clock: clock, Log: log, Deliverer: d, URL: "http://127.0.0.1:4566"})
	if err != nil {
		t.Fatal(err)
	}
	return protocol.NewHandler(protocol.Config{Log: log, Account: "000000000000", Region: "us-east-1"}, sns.New(topics))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own. A request is an operation and its parameters, a line
// each. LONG in a value stands for 262,145 characters, TOPIC for arn:aws:sns:us-east-1:000000000000:, QUEUE for the same with
// sqs. What was delivered stands behind the answer.
func TestWire(t *testing.T) {
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		p, masks := new(postbox), wiretest.Masks{wiretest.NewMask("ID-%d", wiretest.UUID)}
		h := newHouse(t, clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)), p)
		s.Play(t, nil, func(request string) string {
			r := scope.Form(t, "2010-03-31", words.Replace(masks.Show(request)))
			answer := wiretest.Show(wiretest.Serve(h, r)) + p.empty()
			return masks.Hide(secrets.ReplaceAllString(answer, "$1 : \"…\""))
		})
	})
}

const scope wiretest.Scope = "20260101/us-east-1/sns"

var (
	secrets = regexp.MustCompile(`("Signature"|"SigningCertURL") : "[^"]*"`)
	words   = strings.NewReplacer(
		"TOPIC", "arn:aws:sns:us-east-1:000000000000:", "QUEUE", "arn:aws:sqs:us-east-1:000000000000:", "LONG", strings.Repeat("x", 262145),
	)
)
