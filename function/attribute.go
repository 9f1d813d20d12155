package function

import (
	"context"
	"maps"

	"github.com/google/uuid"
)

// MaxTags bounds the tags of a function.
const MaxTags = 50

// What becomes of a function that invokes itself in a circle.
const (
	LoopTerminate = "Terminate"
	LoopAllow     = "Allow"
)

// Attributes are what belongs to a function as a whole and to none of its versions.
type Attributes struct {
	Tags map[string]string
	// Reserved is how many invocations are reserved for the function; nil when none are.
	Reserved *int
	// RecursiveLoop is LoopTerminate or LoopAllow.
	RecursiveLoop string
}

// Attributes returns the attributes of a function, or a *NotFoundError. Its map and pointer are the receiver's.
func (s *Service) Attributes(_ context.Context, name Name) (Attributes, error) {
	e, err := s.lookup(name)
	if err != nil {
		return Attributes{}, err
	}
	a := Attributes{Tags: maps.Clone(e.Tags), RecursiveLoop: e.RecursiveLoop}
	setDefault(&a.RecursiveLoop, LoopTerminate)
	if e.Reserved != nil {
		a.Reserved = new(*e.Reserved)
	}
	return a, nil
}

// Tag sets tags of a function beside those it has. The error is a *NotFoundError, ErrTooManyTags, or a failure of the
// store.
func (s *Service) Tag(ctx context.Context, name Name, tags map[string]string) error {
	return s.retag(ctx, name, func(all map[string]string) { maps.Copy(all, tags) })
}

// Untag removes tags of a function; those that it does not have are no error.
func (s *Service) Untag(ctx context.Context, name Name, keys []string) error {
	return s.retag(ctx, name, func(all map[string]string) {
		for _, key := range keys {
			delete(all, key)
		}
	})
}

func (s *Service) retag(ctx context.Context, name Name, change func(map[string]string)) error {
	return s.changeRecord(ctx, name, func(r *entry) error {
		tags := maps.Clone(r.Tags)
		if tags == nil {
			tags = make(map[string]string)
		}
		change(tags)
		if len(tags) > MaxTags {
			return ErrTooManyTags
		}
		if maps.Equal(tags, r.Tags) {
			return nil
		}
		// AWS counts tags as a change of the function.
		r.Tags, r.Function.RevisionID = tags, uuid.NewString()
		return nil
	})
}

// SetRecursiveLoop says what becomes of a function that invokes itself in a circle, or returns a *NotFoundError.
func (s *Service) SetRecursiveLoop(ctx context.Context, name Name, loop string) error {
	return s.changeRecord(ctx, name, func(r *entry) error {
		r.RecursiveLoop = loop
		return nil
	})
}

// changeRecord makes a change of a function that is no transition.
func (s *Service) changeRecord(ctx context.Context, name Name, change func(*entry) error) error {
	old, unlock, err := s.changeKnown(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	next := *old
	if err := change(&next); err != nil {
		return err
	}
	return s.save(ctx, old, &next, nil)
}
