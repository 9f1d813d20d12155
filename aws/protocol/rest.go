package protocol

import (
	"net/url"
	"strings"
)

// restTable finds the operation of a REST service by method and path.
type restTable struct {
	byLength map[int][]restRoute
	dated    map[string]*Service // by the first parts of paths, which are dates: they tell REST requests from others
}

type restRoute struct {
	service   *Service
	operation *Operation
	offered   bool
	parts     []string // a label is in braces
	// query is what the query string must hold, a name with its value, beside an operation of the same path that asks for
	// nothing; empty when it may hold anything.
	query string
}

// restMatch is what a path leads to. The service is nil when the path is not of any REST service; the route is
// nil when it is, but of no operation.
type restMatch struct {
	service *Service
	route   *restRoute
	labels  []label
}

func newRestTable(services []*Service) *restTable {
	t := &restTable{byLength: map[int][]restRoute{}, dated: map[string]*Service{}}
	for _, s := range services {
		if !s.REST {
			continue
		}
		for i := range s.Operations {
			t.add(s, &s.Operations[i], true)
		}
		for i := range s.Unoffered {
			t.add(s, &s.Unoffered[i], false)
		}
	}
	return t
}

func (t *restTable) add(s *Service, o *Operation, offered bool) {
	path, query, _ := strings.Cut(o.Path, "?")
	parts := pathParts(path)
	t.dated[parts[0]] = s
	t.byLength[len(parts)] = append(t.byLength[len(parts)], restRoute{s, o, offered, parts, query})
}

// pathParts cuts a path at its slashes, without the first and without one at the end.
func pathParts(path string) []string {
	return strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
}

// find looks a path up, as it stands in the request, still escaped, with its query string. The operation that asks for
// most is the one: one that asks for a query, and then one with fewer labels.
func (t *restTable) find(method, path, query string) (m restMatch) {
	parts := pathParts(path)
	if m.service = t.dated[parts[0]]; m.service == nil {
		return m
	}
	for i := range t.byLength[len(parts)] {
		route := &t.byLength[len(parts)][i]
		labels, ok := route.match(method, parts)
		if !ok || !route.asked(query) {
			continue
		}
		if m.route == nil || len(labels) < len(m.labels) || len(labels) == len(m.labels) && route.query != "" {
			m.service, m.route, m.labels = route.service, route, labels
		}
	}
	return m
}

// asked reports whether a query string holds what the route asks for.
func (route *restRoute) asked(query string) bool {
	if route.query == "" {
		return true
	}
	name, value, _ := strings.Cut(route.query, "=")
	values, err := url.ParseQuery(query)
	return err == nil && values.Get(name) == value
}

func (route *restRoute) match(method string, parts []string) (labels []label, ok bool) {
	if route.operation.Method != method {
		return nil, false
	}
	for i, want := range route.parts {
		if parts[i] == "" || parts[i] == "." || parts[i] == ".." { // a signature is over the path without them
			return nil, false
		}
		got, err := url.PathUnescape(parts[i])
		if err != nil {
			return nil, false
		}
		if name, ok := strings.CutPrefix(want, "{"); ok {
			labels = append(labels, label{strings.TrimSuffix(name, "}"), got})
		} else if got != want {
			return nil, false
		}
	}
	return labels, true
}
