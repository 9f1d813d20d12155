package logs

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// doubt has it found out what became of a change to the group, or of an append, that ended with the error. Until then memory
// has what it had, and nobody enters. The caller has the turn, and leaves.
func (g *group) doubt(err error) {
	if store.InDoubt(err) {
		g.s.doubts.Add(g.subject(), g.reread)
	}
}

func (g *group) subject() string { return fmt.Sprintf("log group %d", g.number) }

// reread brings memory in line with what the store has of the group: all but its row is loaded when it is next asked for.
func (g *group) reread(ctx context.Context) error {
	row, _, err := g.s.rows.Get(ctx, groupKey(g.name))
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Number != g.number {
		g.vanish(ctx)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read log group %s again: %w", g.name.Group, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.row, g.loaded = row, false
	return nil
}

// vanish takes a deleted group out of memory, and what is left of it out of the store.
func (g *group) vanish(ctx context.Context) {
	g.s.mu.Lock()
	if groups := g.s.groups[g.name.Scope]; groups[g.name.Group] == g {
		delete(groups, g.name.Group)
	}
	g.s.mu.Unlock()
	g.mu.Lock()
	g.gone = true
	g.mu.Unlock()
	g.s.note("remove a deleted log group", g.s.remove(context.WithoutCancel(ctx), g.number))
}

// doubtNew has it found out whether a group was made.
func (s *Service) doubtNew(n Name) {
	s.doubts.Add("new log group "+groupKey(n), func(ctx context.Context) error {
		row, _, err := s.rows.Get(ctx, groupKey(n))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for log group %s: %w", n.Group, err)
		}
		s.adopt(newGroup(s, row))
		return nil
	})
}
