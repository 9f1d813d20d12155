package metric

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

const (
	// listed is for how long after its last sample a metric is listed, recent for how long it counts as recently active.
	listed = 14 * 24 * time.Hour
	recent = 3 * time.Hour
	// pageSize is how many metrics a page of a list has.
	pageSize = 500
)

// Filter chooses metrics. Its zero value chooses all.
type Filter struct {
	Namespace, Metric string
	// Dimensions must all be there, with any value where none is given. A metric may have others beside them.
	Dimensions []Dimension
	// Recent asks for metrics with a sample of the last three hours.
	Recent bool
}

// List returns a page of the metrics with a sample of the last two weeks, sorted by namespace, name and dimensions, and
// the token of the next page if there is one. The error is ErrToken.
func (s *Service) List(scope Scope, f Filter, token string) (page []Name, next string, err error) {
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", ErrToken
	}
	since := s.config.Clock.Now().Add(-listed).Unix()
	if f.Recent {
		since = s.config.Clock.Now().Add(-recent).Unix()
	}
	var found []*series
	s.mu.Lock()
	for _, x := range s.scopes[scope] {
		if x.last >= since && x.last != 0 && x.key > string(after) && f.fits(&x.name) {
			found = append(found, x)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b *series) int { return strings.Compare(a.key, b.key) })
	if len(found) > pageSize {
		found = found[:pageSize]
		next = base64.RawURLEncoding.EncodeToString([]byte(found[pageSize-1].key))
	}
	for _, x := range found {
		page = append(page, x.name.sorted())
	}
	return page, next, nil
}

func (f *Filter) fits(n *Name) bool {
	if f.Namespace != "" && f.Namespace != n.Namespace || f.Metric != "" && f.Metric != n.Metric {
		return false
	}
	for _, want := range f.Dimensions {
		if !slices.ContainsFunc(n.Dimensions, func(d Dimension) bool {
			return d.Name == want.Name && (want.Value == "" || d.Value == want.Value)
		}) {
			return false
		}
	}
	return true
}
