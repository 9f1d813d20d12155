package identity

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// PutInline gives an entity a policy of its own, in place of the one of the same name.
func (s *Service) PutInline(ctx context.Context, name Name, policy, text string) error {
	return s.change(ctx, name, func(e *Entity) error {
		e.Inline = maps.Clone(e.Inline)
		if e.Inline == nil {
			e.Inline = map[string]string{}
		}
		e.Inline[policy] = text
		return nil
	})
}

// DeleteInline takes one away.
func (s *Service) DeleteInline(ctx context.Context, name Name, policy string) error {
	return s.change(ctx, name, func(e *Entity) error {
		if _, ok := e.Inline[policy]; !ok {
			return &NotFoundError{"inline policy", policy, string(name.Kind)}
		}
		e.Inline = maps.Clone(e.Inline)
		delete(e.Inline, policy)
		return nil
	})
}

// Attach attaches a managed policy; one that is attached stays so.
func (s *Service) Attach(ctx context.Context, name Name, arn string) error {
	return s.change(ctx, name, func(e *Entity) error {
		if s.policy(arn, name.Account) == nil {
			return ErrNotAttachable
		}
		if !slices.Contains(e.Attached, arn) {
			e.Attached = append(slices.Clone(e.Attached), arn)
		}
		return nil
	})
}

// Detach detaches one.
func (s *Service) Detach(ctx context.Context, name Name, arn string) error {
	return s.change(ctx, name, func(e *Entity) error {
		i := slices.Index(e.Attached, arn)
		if i < 0 {
			return &NotFoundError{"attachment", arn, string(name.Kind)}
		}
		e.Attached = slices.Delete(slices.Clone(e.Attached), i, i+1)
		return nil
	})
}

// SetBoundary limits what an entity's policies allow to what another one does; the empty name lifts that.
func (s *Service) SetBoundary(ctx context.Context, name Name, arn string) error {
	return s.change(ctx, name, func(e *Entity) error {
		if arn != "" && s.policy(arn, name.Account) == nil {
			return ErrNotAttachable
		}
		if arn == "" && e.Boundary == "" {
			return &NotFoundError{"boundary", name.Name, string(name.Kind)}
		}
		e.Boundary = arn
		return nil
	})
}

// SetTrust says who may assume a role.
func (s *Service) SetTrust(ctx context.Context, name Name, text string) error {
	return s.change(ctx, name, func(e *Entity) error {
		e.Trust = text
		return nil
	})
}

// Describe changes a role's description and how long its sessions may last; nil leaves either.
func (s *Service) Describe(ctx context.Context, name Name, description *string, maxAge *time.Duration) error {
	return s.change(ctx, name, func(e *Entity) error {
		if description != nil {
			e.Description = *description
		}
		if maxAge != nil {
			e.MaxAge = *maxAge
		}
		return nil
	})
}

// Tag adds tags to an entity.
func (s *Service) Tag(ctx context.Context, name Name, tags []Tag) error {
	return s.change(ctx, name, func(e *Entity) error {
		e.Tags = withTags(e.Tags, tags, strings.EqualFold)
		return nil
	})
}

// Untag takes tags away.
func (s *Service) Untag(ctx context.Context, name Name, keys []string) error {
	return s.change(ctx, name, func(e *Entity) error {
		e.Tags = withoutTags(e.Tags, keys)
		return nil
	})
}
