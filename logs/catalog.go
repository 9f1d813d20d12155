package logs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/store"
)

// CreateGroup makes a group and returns when that is durable.
//
// Errors: ErrGroupExists, LimitError, ErrTooManyTags.
func (s *Service) CreateGroup(ctx context.Context, n Name, settings Settings) error {
	_, err := s.createGroup(ctx, n, settings)
	return err
}

func (s *Service) createGroup(ctx context.Context, n Name, settings Settings) (*group, error) {
	if len(settings.Tags) > MaxTags {
		return nil, ErrTooManyTags
	}
	if err := take(ctx, s.control); err != nil {
		return nil, err
	}
	defer func() { <-s.control }()
	if err := s.doubts.SettleAll(ctx, ""); err != nil {
		return nil, err
	}
	s.mu.RLock()
	groups := s.groups[n.Scope]
	found, count := groups[n.Group], len(groups)
	s.mu.RUnlock()
	switch {
	case found != nil:
		return found, ErrGroupExists
	case count >= s.config.Groups:
		return nil, &LimitError{s.config.Groups}
	}
	row := groupRow{
		Number: s.next, Account: n.Account, Region: n.Region, Name: n.Group, Created: s.clock.Now().UnixMilli(),
		Protected: settings.Protected, Tags: maps.Clone(settings.Tags), NextStream: 1,
	}
	next, err := s.state.Write(stateNumber, stateRow{s.next + 1}, 0)
	if err != nil {
		return nil, err
	}
	write, err := s.rows.Write(groupKey(n), row, store.Absent)
	if err != nil {
		return nil, err
	}
	err = s.store.Commit(context.WithoutCancel(ctx), next, write)
	if store.InDoubt(err) {
		s.doubtNew(n)
		s.next++ // nobody else has its number
	}
	if err != nil {
		return nil, fmt.Errorf("store log group %s: %w", n.Group, err)
	}
	s.next++
	g := newGroup(s, row)
	g.loaded = true
	s.adopt(g)
	return g, nil
}

// DeleteGroup deletes a group with all that is in it, and returns when that is durable.
//
// Errors: ErrGroupNotFound, ErrProtected.
func (s *Service) DeleteGroup(ctx context.Context, n Name) error {
	if err := take(ctx, s.control); err != nil {
		return err
	}
	defer func() { <-s.control }()
	g, err := s.find(n)
	if err != nil {
		return err
	}
	if err := take(ctx, g.turn); err != nil {
		return err
	}
	defer func() { <-g.turn }()
	switch err := s.doubts.Settle(ctx, g.subject()); {
	case err != nil:
		return err
	case g.gone:
		return ErrGroupNotFound
	case g.row.Protected:
		return ErrProtected
	}
	doomed, err := s.doomed.Write(numberKey(g.number), doomedRow{}, 0)
	if err != nil {
		return err
	}
	if err := s.store.Commit(context.WithoutCancel(ctx), s.rows.Remove(groupKey(n), 0), doomed); err != nil {
		g.doubt(err)
		return fmt.Errorf("delete log group %s: %w", n.Group, err)
	}
	g.vanish(ctx)
	return nil
}

// remove removes what is left of a deleted group.
func (s *Service) remove(ctx context.Context, number uint64) error {
	for _, table := range []string{tableStreams, tableExtents} {
		if err := s.clear(ctx, table, number); err != nil {
			return err
		}
	}
	if err := s.store.DropLogs(ctx, logID(number).Stream); err != nil {
		return err
	}
	return s.doomed.Delete(ctx, numberKey(number))
}

// bury removes what is left of groups whose deletion was cut short.
func (s *Service) bury(ctx context.Context) {
	for item, err := range s.doomed.Scan(ctx, "") {
		if err != nil {
			s.note("look for deleted log groups", err)
			return
		}
		group, err := number(item.Key)
		if err == nil {
			err = s.remove(ctx, group)
		}
		s.note("remove a deleted log group", err)
	}
}

// GroupFilter says which groups are listed. Empty members allow all.
type GroupFilter struct {
	Prefix  string
	Pattern string // anywhere in the name, whatever its case
	Names   []string
}

func (f GroupFilter) fits(r groupRow) bool {
	return strings.HasPrefix(r.Name, f.Prefix) && strings.Contains(strings.ToLower(r.Name), strings.ToLower(f.Pattern)) &&
		(f.Names == nil || slices.Contains(f.Names, r.Name))
}

// Groups lists groups in the order of their names, at most limit of them from the one after the named on. The second result
// is the name to go on after, empty when there are no more.
func (s *Service) Groups(ctx context.Context, of Scope, f GroupFilter, after string, limit int) ([]Group, string, error) {
	s.mu.RLock()
	var found []*group
	for name, g := range s.groups[of] {
		if name > after && g.fits(f) {
			found = append(found, g)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(found, func(a, b *group) int { return strings.Compare(a.name.Group, b.name.Group) })
	var page []Group
	for _, g := range found {
		if len(page) == limit {
			return page, page[limit-1].Group, nil
		}
		snapshot, err := g.snapshot(ctx)
		if errors.Is(err, ErrGroupNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, "", err
		}
		page = append(page, snapshot)
	}
	return page, "", nil
}

// Group returns one group, or ErrGroupNotFound.
func (s *Service) Group(ctx context.Context, n Name) (Group, error) {
	g, err := s.find(n)
	if err != nil {
		return Group{}, err
	}
	return g.snapshot(ctx)
}

// SetRetention sets how many days a group keeps its events; 0 means that time does not limit it.
//
// Errors: ErrGroupNotFound, ErrRetention.
func (s *Service) SetRetention(ctx context.Context, n Name, days int) error {
	if days != 0 && !slices.Contains(retentions, days) {
		return ErrRetention
	}
	g, err := s.find(n)
	if err != nil {
		return err
	}
	if err := g.change(ctx, func(r *groupRow) error { r.Retention = days; return nil }); err != nil {
		return err
	}
	s.note("trim logs", g.trim(context.WithoutCancel(ctx)))
	return nil
}

// Tag adds tags to a group, or gives those that it has other values.
//
// Errors: ErrGroupNotFound, ErrTooManyTags.
func (s *Service) Tag(ctx context.Context, n Name, tags map[string]string) error {
	return s.retag(ctx, n, func(all map[string]string) { maps.Copy(all, tags) })
}

// Untag removes tags from a group. Keys that are not there are no error. The error is ErrGroupNotFound.
func (s *Service) Untag(ctx context.Context, n Name, keys []string) error {
	return s.retag(ctx, n, func(all map[string]string) {
		for _, key := range keys {
			delete(all, key)
		}
	})
}

func (s *Service) retag(ctx context.Context, n Name, change func(all map[string]string)) error {
	g, err := s.find(n)
	if err != nil {
		return err
	}
	return g.change(ctx, func(r *groupRow) error {
		tags := maps.Clone(r.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		change(tags)
		if len(tags) > MaxTags {
			return ErrTooManyTags
		}
		r.Tags = tags
		return nil
	})
}

// SetProtected sets whether a group is protected from deletion. The error is ErrGroupNotFound.
func (s *Service) SetProtected(ctx context.Context, n Name, protected bool) error {
	g, err := s.find(n)
	if err != nil {
		return err
	}
	return g.change(ctx, func(r *groupRow) error { r.Protected = protected; return nil })
}
