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
	parts := pathParts(o.Path)
	t.dated[parts[0]] = s
	t.byLength[len(parts)] = append(t.byLength[len(parts)], restRoute{s, o, offered, parts})
}

// pathParts cuts a path at its slashes, without the first and without one at the end.
func pathParts(path string) []string {
	return strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
}

// find looks a path up, as it stands in the request, still escaped.
func (t *restTable) find(method, path string) (m restMatch) {
	parts := pathParts(path)
	if m.service = t.dated[parts[0]]; m.service == nil {
		return m
	}
	for i := range t.byLength[len(parts)] {
		route := &t.byLength[len(parts)][i]
		labels, ok := route.match(method, parts)
		if ok && (m.route == nil || len(labels) < len(m.labels)) {
			m.service, m.route, m.labels = route.service, route, labels
		}
	}
	return m
}

func (route *restRoute) match(method string, parts []string) (labels []label, ok bool) {
	if route.operation.Method != method {
		return nil, false
	}
	for i, want := range route.parts {
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
