package mapping

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/function"
)

// Get returns a mapping, or ErrNotFound.
func (s *Service) Get(account, region, uuid string) (Mapping, error) {
	e, _, err := s.find(account, region, uuid)
	if err != nil {
		return Mapping{}, err
	}
	return e.snapshot(s.config.Clock.Now()), nil
}

// Filter chooses mappings. What is nil does not choose.
type Filter struct {
	Source   *string       // ARN
	Function *function.Ref // with its qualifier: a bare name chooses no mapping to $LATEST
}

func (f Filter) matches(m *Mapping) bool {
	return (f.Source == nil || *f.Source == m.SourceARN()) && (f.Function == nil || *f.Function == m.Function)
}

// List returns mappings of an account and region in order of their UUIDs: those after the given one ("" for all), at
// most limit, and whether there are more.
func (s *Service) List(account, region string, f Filter, after string, limit int) ([]Mapping, bool) {
	now := s.config.Clock.Now()
	var found []Mapping
	for _, e := range s.all() {
		m := e.snapshot(now)
		if m.Account == account && m.Region == region && m.UUID > after && m.State != gone && f.matches(&m) {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b Mapping) int { return strings.Compare(a.UUID, b.UUID) })
	if len(found) > limit {
		return found[:limit], true
	}
	return found, false
}

// All returns the mappings of all accounts and regions, in no order.
func (s *Service) All() []Mapping {
	now := s.config.Clock.Now()
	var found []Mapping
	for _, e := range s.all() {
		if m := e.snapshot(now); m.State != gone {
			found = append(found, m)
		}
	}
	return found
}
