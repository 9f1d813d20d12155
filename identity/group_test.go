package identity_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/identity"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/disktest"
)

var writers = identity.Name{Account: account, Kind: identity.Group, Name: "writers"}

// A group's policies are those of its members, also when either has another name, and after a restart.
func TestGroups(t *testing.T) {
	engine, clock, ctx := disktest.Memory(t), clockwork.NewFakeClock(), t.Context()
	s := open(t, engine, clock)
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: ann}))
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: writers}))
	key := ok[identity.Key](t)(s.CreateKey(ctx, ann))
	session := ok[identity.Credentials](t)(s.UserSession(ok3(s.Find(key.ID, "")), time.Hour))
	do(t, s.PutInline(ctx, writers, "own", allowed))
	can := func(want bool, when string) {
		t.Helper()
		for what, k := range map[string][2]string{"key": {key.ID, ""}, "session": {session.KeyID, session.Token}} {
			who, _, err := s.Find(k[0], k[1])
			if err != nil || may(s, who, "kinesis:PutRecord") != want {
				t.Errorf("%s, %s: %+v %v", when, what, who, err)
			}
		}
	}
	can(false, "before")
	do(t, s.AddToGroup(ctx, writers, ann), s.AddToGroup(ctx, writers, ann))
	can(true, "as a member")
	var conflict *identity.ConflictError
	if err := s.Delete(ctx, writers); !errors.As(err, &conflict) || conflict.Because != identity.InlinePolicies {
		t.Error(err)
	}
	do(t, s.Rename(ctx, writers, "authors", "/x/"), s.Rename(ctx, ann, "anna", ""))
	s = open(t, engine, clock)
	can(true, "under other names")
	anna, authors := ann, writers
	anna.Name, authors.Name = "anna", "authors"
	g := ok[*identity.Entity](t)(s.Get(authors))
	if all := s.Members(g); g.ARN() != "arn:aws:iam::111111111111:group/x/authors" || len(all) != 1 || all[0].Name != anna {
		t.Error(g, all)
	}
	if keys := s.Keys(anna); len(keys) != 1 || keys[0].User != "anna" {
		t.Error(keys)
	}
	if _, err := s.Get(ann); err == nil {
		t.Error("the old name is there")
	}
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: ann}))
	var exists *identity.ExistsError
	if err := s.Rename(ctx, anna, "Ann", ""); !errors.As(err, &exists) {
		t.Error(err)
	}
	do(t, s.Rename(ctx, anna, "ANNA", ""), s.Rename(ctx, identity.Name{Account: account, Kind: identity.User, Name: "ANNA"}, "anna", ""))
	if err := s.Delete(ctx, anna); !errors.As(err, &conflict) {
		t.Error(err)
	}
	do(t, s.RemoveFromGroup(ctx, authors, anna))
	can(false, "when it has left")
	do(t, s.DeleteInline(ctx, authors, "own"), s.Delete(ctx, authors))
}

func ok3(p identity.Principal, _ string, _ error) identity.Principal { return p }

// Sessions carry tags, and pass on those that are meant to be; nobody else's go before them.
func TestSessionTags(t *testing.T) {
	s := open(t, disktest.Memory(t), clockwork.NewFakeClock())
	ctx := t.Context()
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: worker, Trust: trust, Tags: []identity.Tag{{Key: "Team", Value: "role's"}}}))
	do(t, s.PutInline(ctx, worker, "own", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:*","Resource":"*","Condition":{
		"StringEquals":{"aws:PrincipalTag/team":"a","aws:PrincipalTag/cost":"1","aws:SourceIdentity":"ann"}}}}`))
	assume := func(by identity.Principal, tags []identity.Tag, transitive ...string) (identity.Principal, error) {
		made, err := s.AssumeRole(identity.Assumption{By: by, Role: worker, Session: "job", Lasts: time.Hour, Tags: tags, Transitive: transitive, Source: "ann"})
		if err != nil {
			return by, err
		}
		return ok3(s.Find(made.KeyID, made.Token)), nil
	}
	first := ok[identity.Principal](t)(assume(identity.RootPrincipal(account), []identity.Tag{{Key: "team", Value: "a"}, {Key: "cost", Value: "1"}}, "TEAM"))
	if !may(s, first, "a:b") {
		t.Error("the session has not its tags")
	}
	if next := ok[identity.Principal](t)(assume(first, nil)); may(s, next, "a:b") {
		t.Error("a tag was passed on that was not meant to be")
	}
	if next := ok[identity.Principal](t)(assume(first, []identity.Tag{{Key: "Cost", Value: "1"}})); !may(s, next, "a:b") {
		t.Error("a tag was not passed on")
	}
	if _, err := assume(first, []identity.Tag{{Key: "Team", Value: "b"}}); !errors.Is(err, identity.ErrTag) {
		t.Error(err)
	}
	var many []identity.Tag
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ" {
		many = append(many, identity.Tag{Key: string(c) + "x", Value: string(make([]byte, 256))})
	}
	if _, err := assume(first, many); !errors.Is(err, identity.ErrTooLarge) {
		t.Error(err)
	}
}

// Managed policies limit a session too.
func TestSessionPolicies(t *testing.T) {
	s := open(t, disktest.Memory(t), clockwork.NewFakeClock())
	ctx := t.Context()
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: worker, Trust: trust}))
	do(t, s.PutInline(ctx, worker, "own", allowed))
	made := ok[identity.Session](t)(s.AssumeRole(identity.Assumption{
		By: identity.RootPrincipal(account), Role: worker, Session: "job", Lasts: time.Hour,
		Limits: identity.Limits{Text: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kinesis:PutRecord","sqs:*"],"Resource":"*"}}`, Policies: []string{"arn:aws:iam::aws:policy/AmazonKinesisReadOnlyAccess"}},
	}))
	who := ok3(s.Find(made.KeyID, made.Token))
	for action, want := range map[string]bool{"kinesis:PutRecord": true, "kinesis:GetRecords": true, "kinesis:DeleteStream": false, "sqs:SendMessage": false} {
		if may(s, who, action) != want {
			t.Errorf("%s: %v", action, !want)
		}
	}
}

// Sessions can be revoked by the time at which they were given out.
func TestRevocation(t *testing.T) {
	clock := clockwork.NewFakeClock()
	s := open(t, disktest.Memory(t), clock)
	ctx := t.Context()
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: worker, Trust: trust}))
	do(t, s.PutInline(ctx, worker, "own", allowed))
	old := ok[identity.Session](t)(s.ServiceSession(worker, "job", time.Hour))
	clock.Advance(time.Minute)
	do(t, s.PutInline(ctx, worker, "revoke", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
		"DateLessThan":{"aws:TokenIssueTime":"`+clock.Now().UTC().Format(time.RFC3339)+`"}}}}`))
	young := ok[identity.Session](t)(s.ServiceSession(worker, "job", time.Hour))
	if may(s, ok3(s.Find(old.KeyID, old.Token)), "kinesis:PutRecord") || !may(s, ok3(s.Find(young.KeyID, young.Token)), "kinesis:PutRecord") {
		t.Error("the wrong session is revoked")
	}
}

// Who is gone has nothing, whatever a resource says of the name.
func TestGone(t *testing.T) {
	s := open(t, disktest.Memory(t), clockwork.NewFakeClock())
	ctx := t.Context()
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: worker, Trust: trust}))
	made := ok[identity.Session](t)(s.ServiceSession(worker, "job", time.Hour))
	who := ok3(s.Find(made.KeyID, made.Token))
	ask := identity.Ask{
		Action: "sqs:SendMessage", Resource: "arn:aws:sqs:us-east-1:111111111111:q", Owner: account,
		Policy: `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}`,
	}
	if reason := s.Decide(&who, ask); reason != 0 {
		t.Error(reason)
	}
	do(t, s.Delete(ctx, worker))
	if reason := s.Decide(&who, ask); reason == 0 {
		t.Error("a session of a role that is gone is let in")
	}
	ok[*identity.Entity](t)(s.Create(ctx, identity.Entity{Name: worker, Trust: trust}))
	if reason := s.Decide(&who, ask); reason == 0 {
		t.Error("a session of a role that is gone is let in as another role")
	}
	if _, _, err := s.Find(made.KeyID, made.Token); !errors.Is(err, identity.ErrUnknownKey) {
		t.Error(err)
	}
}

// doubtful makes changes and says that it does not know whether it has.
type doubtful struct {
	store.Tables
	fail bool
}

func (d *doubtful) Commit(ctx context.Context, writes ...store.Write) error {
	err := d.Tables.Commit(ctx, writes...)
	if d.fail && err == nil {
		d.fail = false
		return errors.New("the disk does not answer")
	}
	return err
}

// A change that was made, though nobody was told so, is known before the next one.
func TestDoubt(t *testing.T) {
	tables, ctx := &doubtful{Tables: disktest.Memory(t)}, t.Context()
	s := ok[*identity.Service](t)(identity.New(ctx, identity.Config{Store: tables, Clock: clockwork.NewFakeClock()}))
	tables.fail = true
	if _, err := s.Create(ctx, identity.Entity{Name: ann}); err == nil {
		t.Fatal("no error")
	}
	var exists *identity.ExistsError
	if _, err := s.Create(ctx, identity.Entity{Name: ann}); !errors.As(err, &exists) {
		t.Error(err)
	}
	key := ok[identity.Key](t)(s.CreateKey(ctx, ann))
	tables.fail = true
	if err := s.DeleteKey(ctx, ann, key.ID); err == nil {
		t.Fatal("no error")
	}
	var missing *identity.NotFoundError
	if err := s.DeleteKey(ctx, ann, key.ID); !errors.As(err, &missing) {
		t.Error(err)
	}
	if _, _, err := s.Find(key.ID, ""); !errors.Is(err, identity.ErrUnknownKey) {
		t.Error(err)
	}
}
