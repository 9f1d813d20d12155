package sts_test

import (
	"log/slog"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/sts"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/identity"
	"github.com/millrace/millrace/store/disk/disktest"
)

// newHouse opens a room in memory with its door behind the dispatcher.
func newHouse(t testing.TB) http.Handler {
	t.Helper()
	engine := disktest.Memory(t)
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
	identities, err := identity.New(t.Context(), identity.Config{Store: engine, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	worker := identity.Entity{Name: identity.Name{Account: "111111111111", Kind: identity.Role, Name: "worker"}, Trust: trust}
	if _, err := identities.Create(t.Context(), worker); err != nil {
		t.Fatal(err)
	}
	return protocol.NewHandler(protocol.Config{Log: slog.New(slog.DiscardHandler), Account: "111111111111", Region: "us-east-1"}, sts.New(identities))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own, which has a role, worker. A request is an operation and its
// parameters, a line each.
func TestWire(t *testing.T) {
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		h, masks := newHouse(t), wiretest.Masks{wiretest.NewMask("ID-%d.", identifiers)}
		s.Play(t, nil, func(request string) string {
			answer := wiretest.Show(wiretest.Serve(h, scope.Form(t, "2011-06-15", masks.Show(request))))
			return masks.Hide(secrets.ReplaceAllString(answer, "<$1>SECRET</$1>"))
		})
	})
}

const scope wiretest.Scope = "20260101/us-east-1/sts"

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:*"}]}`

var (
	identifiers = regexp.MustCompile(`\b(ASIA[A-Z2-7]{16}|AROA[A-Z2-7]{17})\b`)
	secrets     = regexp.MustCompile(`<(SecretAccessKey|SessionToken)>[^<]*</(SecretAccessKey|SessionToken)>`)
)
