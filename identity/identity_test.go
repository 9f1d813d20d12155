package identity_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/identity"
	"github.com/millrace/millrace/identity/policy"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/disktest"
)

const (
	account = "111111111111"
	trust   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	allowed = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kinesis:*","Resource":"*"}}`
)

var (
	ann    = identity.Name{Account: account, Kind: identity.User, Name: "ann"}
	worker = identity.Name{Account: account, Kind: identity.Role, Name: "worker"}
)

// open reads the room from an engine.
func open(t *testing.T, engine *disk.Store, clock clockwork.Clock) *identity.Service {
	t.Helper()
	s, err := identity.New(t.Context(), identity.Config{Store: engine, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ok fails the test when something could not be done.
func ok[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func may(s *identity.Service, p identity.Principal, action string) bool {
	return s.Decide(&p, identity.Ask{Action: action, Resource: "*"}) == policy.Allowed
}

// What was answered is there when the room is read again: users, keys, roles, policies, and the sessions of before.
func TestReopened(t *testing.T) {
	engine, clock, ctx := disktest.Memory(t), clockwork.NewFakeClock(), t.Context()
	s := open(t, engine, clock)
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: ann}))
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: worker, Trust: trust, Path: "/jobs/"}))
	key := ok[identity.Key](t)(s.CreateKey(ctx, ann))
	p := ok[*identity.Policy](t)(s.CreatePolicy(ctx, identity.Policy{Account: account, Name: "streams"}, allowed))
	do(t, s.Attach(ctx, ann, p.ARN()), s.PutInline(ctx, worker, "own", allowed), s.Tag(ctx, ann, []identity.Tag{{Key: "team", Value: "a"}}))
	session := ok[identity.Session](t)(s.ServiceSession(worker, "f", time.Hour))

	s = open(t, engine, clock)
	who, secret, err := s.Find(key.ID, "")
	if err != nil || secret != key.Secret || who.ARN != "arn:aws:iam::111111111111:user/ann" || !may(s, who, "kinesis:PutRecord") || may(s, who, "sqs:SendMessage") {
		t.Errorf("%+v %v", who, err)
	}
	who, secret, err = s.Find(session.KeyID, session.Token)
	if err != nil || secret != session.Secret || who.ARN != "arn:aws:sts::111111111111:assumed-role/worker/f" || !may(s, who, "kinesis:PutRecord") {
		t.Errorf("%+v %v", who, err)
	}
	if e, err := s.Get(worker); err != nil || e.ARN() != "arn:aws:iam::111111111111:role/jobs/worker" || !s.Trusts(worker, "lambda.amazonaws.com") || s.Trusts(worker, "sns.amazonaws.com") {
		t.Error(e, err)
	}
	s.Note(key.ID, "kinesis", "eu-west-1")
	if k, err := s.Key(account, key.ID); err != nil || k.Used == nil || k.Used.Service != "kinesis" || k.Secret != "" {
		t.Errorf("%+v %v", k, err)
	}
}

func TestSessions(t *testing.T) {
	engine, clock, ctx := disktest.Memory(t), clockwork.NewFakeClock(), t.Context()
	s := open(t, engine, clock)
	role := identity.Entity{Name: worker, Trust: trust}
	ok[*identity.Entity](t)(s.Create(ctx, role))
	do(t, s.PutInline(ctx, worker, "own", allowed))
	by := identity.RootPrincipal(account)
	narrow := ok[identity.Session](t)(s.AssumeRole(identity.Assumption{By: by, Role: worker, Session: "job", Limits: identity.Limits{Text: strings.Replace(allowed, "kinesis:*", "kinesis:Get*", 1)}, Lasts: time.Hour}))
	who, _, err := s.Find(narrow.KeyID, narrow.Token)
	if err != nil || !may(s, who, "kinesis:GetRecords") || may(s, who, "kinesis:PutRecord") {
		t.Error("a session policy does not limit", who, err)
	}
	if _, err := s.AssumeRole(identity.Assumption{By: by, Role: worker, Session: "job", Limits: identity.Limits{Text: ""}, Lasts: 2 * time.Hour}); !errors.Is(err, identity.ErrDuration) {
		t.Error(err)
	}
	do(t, s.Describe(ctx, worker, nil, new(12*time.Hour)))
	long := ok[identity.Session](t)(s.AssumeRole(identity.Assumption{By: by, Role: worker, Session: "job", Limits: identity.Limits{Text: ""}, Lasts: 2 * time.Hour}))
	if _, err := s.AssumeRole(identity.Assumption{By: who, Role: worker, Session: "job", Limits: identity.Limits{Text: ""}, Lasts: 2 * time.Hour}); !errors.Is(err, identity.ErrDuration) {
		t.Error("a chained session is as long as others", err)
	}
	for name, pair := range map[string][2]string{
		"another's token": {narrow.KeyID, long.Token}, "no token": {long.KeyID, ""}, "nonsense": {long.KeyID, "AAAA"},
		"one byte": {long.KeyID, flip(long.Token)}, "a long one": {long.KeyID, strings.Repeat("A", 100_000)},
	} {
		if _, _, err := s.Find(pair[0], pair[1]); !errors.Is(err, identity.ErrUnknownKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	clock.Advance(time.Hour)
	if _, _, err := s.Find(narrow.KeyID, narrow.Token); !errors.Is(err, identity.ErrExpired) {
		t.Error(err)
	}
	who, _, err = s.Find(long.KeyID, long.Token)
	if err != nil || !may(s, who, "kinesis:PutRecord") {
		t.Error(who, err)
	}
	// The role is made again, with the same policies: it is another one.
	do(t, s.DeleteInline(ctx, worker, "own"), s.Delete(ctx, worker))
	ok[*identity.Entity](t)(s.Create(ctx, role))
	do(t, s.PutInline(ctx, worker, "own", allowed))
	if may(s, who, "kinesis:PutRecord") {
		t.Error("a session of the deleted role is one of the new")
	}
}

func flip(text string) string {
	b := []byte(text)
	b[10] ^= 1
	return string(b)
}

// Keys that were made inactive or deleted sign nothing, and users with keys stay.
func TestKeys(t *testing.T) {
	engine, ctx := disktest.Memory(t), t.Context()
	s := open(t, engine, clockwork.NewFakeClock())
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: ann}))
	key := ok[identity.Key](t)(s.CreateKey(ctx, ann))
	ok[identity.Key](t)(s.CreateKey(ctx, ann))
	var limit *identity.LimitError
	if _, err := s.CreateKey(ctx, ann); !errors.As(err, &limit) {
		t.Error(err)
	}
	do(t, s.SetActive(ctx, ann, key.ID, false))
	if _, _, err := s.Find(key.ID, ""); !errors.Is(err, identity.ErrUnknownKey) {
		t.Error(err)
	}
	do(t, s.SetActive(ctx, ann, key.ID, true))
	if _, _, err := s.Find(key.ID, ""); err != nil {
		t.Error(err)
	}
	var conflict *identity.ConflictError
	if err := s.Delete(ctx, ann); !errors.As(err, &conflict) {
		t.Error(err)
	}
	for _, k := range s.Keys(ann) {
		do(t, s.DeleteKey(ctx, ann, k.ID))
	}
	if _, _, err := s.Find(key.ID, ""); !errors.Is(err, identity.ErrUnknownKey) {
		t.Error(err)
	}
	do(t, s.Delete(ctx, ann))
	var exists *identity.ExistsError
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: ann}))
	upper := ann
	upper.Name = "ANN"
	if _, err := s.Create(ctx, identity.Entity{Name: upper}); !errors.As(err, &exists) {
		t.Error(err)
	}
	root := ok[identity.Key](t)(s.RootKey(ctx, account, "", ""))
	again := ok[identity.Key](t)(s.RootKey(ctx, account, "", ""))
	if root != again {
		t.Error("the account has another key now")
	}
}

// The policies that are shipped can be read, and say what is known of the one that matters most.
func TestManagedPolicies(t *testing.T) {
	s := open(t, disktest.Memory(t), clockwork.NewFakeClock())
	all, more := s.Policies(account, identity.Scope{AWS: true}, "", 100)
	if len(all) != 28 || more {
		t.Errorf("%d policies", len(all))
	}
	p, err := s.Policy(account, "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole")
	if err != nil || p.ID != "ANPAJHOLKJPXV4GBRMJUQ" || p.DefaultVersion().ID() != "v2" || strings.Count(p.DefaultVersion().Text, "kinesis:") != 7 {
		t.Errorf("%+v %v", p, err)
	}
	if err := s.DeletePolicy(t.Context(), account, p.ARN()); !errors.Is(err, identity.ErrReadOnly) {
		t.Error(err)
	}
	first, more := s.Policies(account, identity.Scope{AWS: true}, "", 10)
	rest, _ := s.Policies(account, identity.Scope{AWS: true}, first[9].ARN(), 10)
	if len(first) != 10 || !more || len(rest) != 10 {
		t.Error(len(first), more, len(rest))
	}
}
