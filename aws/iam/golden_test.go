package iam_test

import (
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/iam"
	"github.com/millrace/millrace/aws/protocol"
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
	return protocol.NewHandler(protocol.Config{Log: slog.New(slog.DiscardHandler), Account: "111111111111", Region: "us-east-1"}, iam.New(identities))
}

// TestWire plays testdata/*.txt: a story each, in a house of its own. A request is an operation and its parameters, a line
// each. ALLOW and TRUST in a value stand for policies.
func TestWire(t *testing.T) {
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		h, masks := newHouse(t), wiretest.Masks{wiretest.NewMask("ID-%d.", identifiers)}
		s.Play(t, nil, func(request string) string {
			r := scope.Form(t, "2010-05-08", policies.Replace(masks.Show(request)))
			answer := wiretest.Show(wiretest.Serve(h, r))
			return masks.Hide(secrets.ReplaceAllString(answer, "<SecretAccessKey>SECRET</SecretAccessKey>"))
		})
	})
}

const scope wiretest.Scope = "20260101/us-east-1/iam"

var (
	identifiers = regexp.MustCompile(`\b(AKIA[A-Z2-7]{16}|(?:AIDA|AROA|AGPA|ANPA)[A-Z2-7]{17})\b`)
	secrets     = regexp.MustCompile(`<SecretAccessKey>[^<]*</SecretAccessKey>`)
	policies    = strings.NewReplacer(
		"ALLOW", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kinesis:Get*","Resource":"*"}}`,
		"TRUST", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
	)
)
