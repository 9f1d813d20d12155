package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/millrace/millrace/store"
)

// Fate is what becomes of a write that is in doubt.
type Fate int

// The fates. One that comes late happens just before the next commit is called.
const (
	Happens Fate = iota
	ComesLate
	Never
)

// Fates are all of them.
var Fates = []Fate{Happens, ComesLate, Never}

// String names the fate.
func (f Fate) String() string { return [...]string{"happens", "comes late", "never"}[f] }

// ErrDoubt is what writes end with that a Doubtful has put in doubt, and all commits of one that is in trouble.
var ErrDoubt = errors.New("whether it happens is not known yet")

// Doubtful is a store that cannot say of some writes whether they happen.
type Doubtful struct {
	store.Store

	mu      sync.Mutex
	table   string // that the next doubt is about, "" when there is to be none
	fate    Fate
	trouble bool
	late    []func(context.Context)
}

// Doubt puts the next commit in doubt that writes to the table; "blocks" means the next append.
func (d *Doubtful) Doubt(table string, fate Fate) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.table, d.fate = table, fate
}

// Trouble says whether all commits and appends fail from now on, and what they fail with does not happen.
func (d *Doubtful) Trouble(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trouble = on
}

// Done reports whether the doubt that was asked for has come up.
func (d *Doubtful) Done() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table == ""
}

// Commit implements store.Tables.
func (d *Doubtful) Commit(ctx context.Context, writes ...store.Write) error {
	return d.write(ctx, func(table string) bool {
		return slices.ContainsFunc(writes, func(w store.Write) bool { return w.Table == table })
	}, func(ctx context.Context) error { return d.Store.Commit(ctx, writes...) })
}

// Append implements store.Blocks.
func (d *Doubtful) Append(ctx context.Context, log store.LogID, draft store.Draft) (ordinal uint64, err error) {
	err = d.write(ctx, func(table string) bool { return table == "blocks" }, func(ctx context.Context) error {
		var failed error
		ordinal, failed = d.Store.Append(ctx, log, draft)
		return failed
	})
	return ordinal, err
}

func (d *Doubtful) write(ctx context.Context, about func(table string) bool, do func(context.Context) error) error {
	d.mu.Lock()
	if d.trouble {
		d.mu.Unlock()
		return ErrDoubt
	}
	late := d.late
	d.late = nil
	doubted, fate := d.table != "" && about(d.table), d.fate
	if doubted {
		d.table = ""
	}
	if doubted && fate == ComesLate {
		d.late = append(d.late, func(ctx context.Context) { _ = do(ctx) })
	}
	d.mu.Unlock()
	for _, do := range late {
		do(context.WithoutCancel(ctx))
	}
	if doubted {
		if fate == Happens {
			if err := do(ctx); err != nil {
				return err
			}
		}
		return ErrDoubt
	}
	return do(ctx)
}
