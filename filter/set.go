package filter

import (
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"
)

// Set is some compiled patterns, of which a record has to match one. It never changes, and many goroutines may use it
// at once.
type Set struct {
	patterns []*pattern
	record   *level
	goals    []*goal // one a pattern
	atoms    int
	matches  sync.Pool
}

// Record is what filters are told of a record. What is empty is not there.
type Record struct {
	Data           []byte
	PartitionKey   string
	SequenceNumber string
	// ApproximateArrivalTimestamp is the number as events have it: seconds, with up to three decimals.
	ApproximateArrivalTimestamp string
}

// Compile makes a set of patterns. The error is a *PatternError, inside one that counts the patterns if there are several.
func Compile(patterns ...string) (*Set, error) {
	var parsed []*pattern
	for i, text := range patterns {
		p, err := parse(text)
		if err != nil && len(patterns) > 1 {
			return nil, fmt.Errorf("filter %d: %w", i+1, err)
		}
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, p)
	}
	return newSet(parsed), nil
}

func newSet(patterns []*pattern) *Set {
	s := &Set{record: &level{}, patterns: patterns}
	for _, p := range patterns {
		s.goals = append(s.goals, s.record.add(p))
	}
	s.record.number(&s.atoms)
	s.matches.New = func() any { return &match{values: make([]bool, s.atoms)} }
	return s
}

// Names reports whether a pattern speaks of a member of records, such as sequenceNumber. What none speaks of need not be
// told.
func (s *Set) Names(member string) bool { return s.record.find([]byte(member)) != nil }

// Match reports whether one of the patterns matches the record. It keeps nothing of the record.
func (s *Set) Match(r *Record) bool {
	m := s.matches.Get().(*match)
	matched := m.record(s, r)
	m.in = nil
	s.matches.Put(m)
	return matched
}

// match is the work on one record.
type match struct {
	values []bool // of the atoms
	in     []byte // the payload
	at     int    // how far it is read
	buf    []byte // a string of the payload without its escapes
}

func (m *match) record(s *Set, r *Record) bool {
	m.forget(s.record)
	for _, n := range s.record.names {
		switch n.text {
		case keyData:
			m.data(n, r.Data)
		case keyPartitionKey:
			m.member(n, kindString, r.PartitionKey)
		case keySequenceNumber:
			m.member(n, kindString, r.SequenceNumber)
		case keyVersion:
			m.member(n, kindString, schemaVersion)
		case keyArrival:
			m.member(n, kindNumber, r.ApproximateArrivalTimestamp)
		}
	}
	return slices.ContainsFunc(s.goals, func(g *goal) bool { return g.reached(m.values) })
}

// member feeds a member of the record that is there if it is not empty.
func (m *match) member(n *name, k kind, text string) {
	if text != "" {
		m.buf = append(m.buf[:0], text...)
		clear(m.values[n.from:n.to])
		m.scalar(n, scalar{k, m.buf})
	}
}

// data feeds the payload. When it is no JSON object nothing matches that speaks of it.
func (m *match) data(n *name, payload []byte) {
	clear(m.values[n.from:n.to])
	if !utf8.Valid(payload) {
		return
	}
	m.in, m.at = payload, 0
	m.space()
	if m.peek() != '{' || !m.object(n.within, 1) {
		return
	}
	if m.space(); m.at == len(m.in) {
		m.reach(n)
	}
}
