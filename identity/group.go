package identity

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/millrace/millrace/store"
)

// AddToGroup makes a user a member of a group; one that is stays so.
func (s *Service) AddToGroup(ctx context.Context, group, user Name) error {
	return s.change(ctx, user, func(e *Entity) error {
		g, err := s.Get(group)
		switch {
		case err != nil:
			return err
		case slices.Contains(e.Groups, g.ID):
			return nil
		case len(e.Groups) >= maxMemberOf:
			return &LimitError{"GroupsPerUser", maxMemberOf}
		}
		e.Groups = append(slices.Clone(e.Groups), g.ID)
		return nil
	})
}

// RemoveFromGroup ends that.
func (s *Service) RemoveFromGroup(ctx context.Context, group, user Name) error {
	return s.change(ctx, user, func(e *Entity) error {
		g, err := s.Get(group)
		if err != nil {
			return err
		}
		i := slices.Index(e.Groups, g.ID)
		if i < 0 {
			return user.missing()
		}
		e.Groups = slices.Delete(slices.Clone(e.Groups), i, i+1)
		return nil
	})
}

// Members returns the users of a group in the order of their names.
func (s *Service) Members(group *Entity) (all []*Entity) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.known {
		if slices.Contains(e.Groups, group.ID) {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, byName)
	return all
}

// GroupsOf returns the groups of a user in the order of their names.
func (s *Service) GroupsOf(user *Entity) (all []*Entity) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range user.Groups {
		if g := s.ids[id]; g != nil {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, byName)
	return all
}

func byName(a, b *Entity) int { return cmp.Compare(a.Name.Name, b.Name.Name) }

// Rename gives a user or a group another name and another path; what is empty stays. Everything that hangs on it stays with it.
func (s *Service) Rename(ctx context.Context, old Name, name, path string) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	before, err := s.Get(old)
	if err != nil {
		return err
	}
	e := *before
	e.Name.Name, e.Path = cmp.Or(name, old.Name), cmp.Or(path, before.Path)
	if e.Name == old {
		_, err := s.write(ctx, e, 0)
		return err
	}
	if other := s.known[e.fold()]; other != nil && other.ID != e.ID {
		return &ExistsError{string(e.Kind), name}
	}
	w, err := s.entities.Write(e.key(), e, store.Absent)
	if err != nil {
		return err
	}
	writes, keys := []store.Write{s.entities.Remove(old.key(), 0), w}, []*accessKey{}
	for id, k := range s.knownKeys {
		if old.Kind != User || k.Account != old.Account || k.User != old.Name {
			continue
		}
		moved := *k
		moved.User = name
		w, err := s.keys.Write(id, moved.keyRow, 0)
		if err != nil {
			return err
		}
		writes, keys = append(writes, w), append(keys, &moved)
	}
	err = s.commit(ctx, func(c *catalog) {
		c.take(before)
		c.put(&e)
		for _, k := range keys {
			c.knownKeys[k.id] = k
		}
	}, writes...)
	if err != nil {
		return fmt.Errorf("rename %s: %w", before.ARN(), err)
	}
	return nil
}
