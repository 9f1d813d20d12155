package logs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/millrace/millrace/logs"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/store/storetest"
)

// inventory is all that can be seen of groups, streams and events.
func (r *room) inventory() string {
	r.t.Helper()
	groups, _, err := r.Groups(r.t.Context(), scope, logs.GroupFilter{}, "", 50)
	r.check(err)
	text := ""
	for _, g := range groups {
		n := g.Name
		streams, _, err := r.Streams(r.t.Context(), n, logs.StreamList{Limit: 50})
		r.check(err)
		page, err := r.Read(r.t.Context(), n, logs.Query{All: true, Limit: 1000})
		r.check(err)
		text += fmt.Sprintf("%v %d %d: %v %s; ", g.Name, g.RetentionDays, g.StoredBytes, streams, texts(page))
	}
	return text
}

// TestDoubts: what became of a write in doubt is known before anything else is changed, and memory has what the store has.
func TestDoubts(t *testing.T) {
	other := logs.Name{Scope: scope, Group: "other"}
	for _, c := range []struct {
		name, table string
		change      func(ctx context.Context, r *room) error
		check       func(r *room, made bool)
	}{
		{"create a group", "log-groups", func(ctx context.Context, r *room) error {
			return r.CreateGroup(ctx, other, logs.Settings{})
		}, func(r *room, made bool) {
			err := r.CreateGroup(r.t.Context(), other, logs.Settings{})
			if errors.Is(err, logs.ErrGroupExists) != made || !made && err != nil {
				r.t.Errorf("made again: %v", err)
			}
			third := logs.Name{Scope: scope, Group: "third"} // which has a log of its own
			r.check(r.CreateGroup(r.t.Context(), third, logs.Settings{}))
			for _, n := range []logs.Name{other, third} {
				r.check(r.CreateStream(r.t.Context(), n, "s"))
				_, err := r.Put(r.t.Context(), n, "s", []logs.Event{at(r.clock.Now(), n.Group)})
				r.check(err)
			}
		}},
		{"delete a group", "log-groups", func(ctx context.Context, r *room) error {
			return r.DeleteGroup(ctx, orders)
		}, func(r *room, made bool) {
			_, err := r.Put(r.t.Context(), orders, "a", []logs.Event{at(r.clock.Now(), "more")})
			if errors.Is(err, logs.ErrGroupNotFound) != made {
				r.t.Errorf("put: %v", err)
			}
		}},
		{"change a group", "log-groups", func(ctx context.Context, r *room) error {
			return r.SetRetention(ctx, orders, 7)
		}, func(r *room, made bool) {
			r.check(r.Tag(r.t.Context(), orders, map[string]string{"a": "b"}))
			g, err := r.Group(r.t.Context(), orders)
			if err != nil || (g.RetentionDays == 7) != made {
				r.t.Errorf("%+v, %v", g, err)
			}
		}},
		{"create a stream", "log-streams", func(ctx context.Context, r *room) error {
			return r.CreateStream(ctx, orders, "b")
		}, func(r *room, made bool) {
			err := r.CreateStream(r.t.Context(), orders, "c")
			r.check(err)
			if err := r.CreateStream(r.t.Context(), orders, "b"); errors.Is(err, logs.ErrStreamExists) != made {
				r.t.Errorf("made again: %v", err)
			}
		}},
		{"delete a stream", "log-streams", func(ctx context.Context, r *room) error {
			return r.DeleteStream(ctx, orders, "a")
		}, func(r *room, made bool) {
			_, err := r.Put(r.t.Context(), orders, "a", []logs.Event{at(r.clock.Now(), "more")})
			if errors.Is(err, logs.ErrStreamNotFound) != made {
				r.t.Errorf("put: %v", err)
			}
		}},
		{"put", "blocks", func(ctx context.Context, r *room) error {
			_, err := r.Put(ctx, orders, "a", []logs.Event{at(r.clock.Now(), "two")})
			return err
		}, func(r *room, made bool) {
			r.put("a", "three")
			want := "one three"
			if made {
				want = "one two three"
			}
			expect(r.t, "events", r.everything(), want)
		}},
	} {
		for _, fate := range storetest.Fates {
			t.Run(c.name+" "+fate.String(), func(t *testing.T) {
				engine := disktest.Memory(t)
				d := &storetest.Doubtful{Store: engine}
				r := open(t)
				r.store = d
				r.restart()
				r.make("a")
				r.put("a", "one")
				d.Doubt(c.table, fate)
				if err := c.change(t.Context(), r); !errors.Is(err, storetest.ErrDoubt) {
					t.Fatalf("not in doubt: %v", err)
				}
				c.check(r, fate != storetest.Never)
				before := r.inventory()
				r.restart()
				expect(t, "after a restart", r.inventory(), before)
			})
		}
	}
}

// TestClientGoesAway: what a client began that does not wait for the answer, memory and the store have alike.
func TestClientGoesAway(t *testing.T) {
	r := open(t)
	r.make("a")
	h := &hasty{Store: r.store}
	r.store = h
	r.restart()
	for i, change := range []func(ctx context.Context) error{
		func(ctx context.Context) error {
			return r.CreateGroup(ctx, logs.Name{Scope: scope, Group: "other"}, logs.Settings{})
		},
		func(ctx context.Context) error { return r.SetRetention(ctx, orders, 7) },
		func(ctx context.Context) error { return r.CreateStream(ctx, orders, "b") },
		func(ctx context.Context) error { return r.DeleteStream(ctx, orders, "a") },
		func(ctx context.Context) error { return r.DeleteGroup(ctx, orders) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		h.cancel = cancel
		if err := change(ctx); err != nil {
			t.Errorf("change %d: %v", i, err)
		}
		before := r.inventory()
		r.restart()
		expect(t, "after a restart", r.inventory(), before)
	}
}

// hasty is a store whose caller goes away as soon as a write is under way.
type hasty struct {
	logs.Store
	cancel func()
}

func (h *hasty) Commit(ctx context.Context, writes ...store.Write) error {
	h.cancel()
	return errors.Join(h.Store.Commit(context.WithoutCancel(ctx), writes...), ctx.Err())
}
