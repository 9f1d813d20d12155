package main

import (
	"encoding/json"
	"fmt"
	"slices"
)

// model is a service's model with the overlay laid over it.
type model struct {
	over       *overlay
	metadata   metadata
	operations []*operation // offered, in the overlay's order
	unoffered  []*operation // the others, in the model's order
	shapes     map[string]*shape
	order      []string // of all shapes, as in the model
	inputs     map[string]bool
	outputs    map[string]bool
	errors     []string // exceptions of offered operations, sorted
}

type metadata struct {
	Protocol     string `json:"protocol"`
	JSONVersion  string `json:"jsonVersion"`
	TargetPrefix string `json:"targetPrefix"`
	APIVersion   string `json:"apiVersion"`
}

type operation struct {
	Name string `json:"name"`
	HTTP struct {
		Method       string `json:"method"`
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	} `json:"http"`
	Input  *ref  `json:"input"`
	Output *ref  `json:"output"`
	Errors []ref `json:"errors"`
	// Compression says that clients may compress the body.
	Compression *struct {
		Encodings []string `json:"encodings"`
	} `json:"requestcompression"`

	events *shape // the event stream that the output is, or nil
}

type shape struct {
	name      string
	members   []*member
	Type      string       `json:"type"`
	Required  []string     `json:"required"`
	Min       *json.Number `json:"min"`
	Max       *json.Number `json:"max"`
	Pattern   string       `json:"pattern"`
	Enum      []string     `json:"enum"`
	Sensitive bool         `json:"sensitive"`
	Flattened bool         `json:"flattened"`
	Payload   string       `json:"payload"`
	Exception bool         `json:"exception"`
	Fault     bool         `json:"fault"`
	// EventStream says that the members are the events of a stream and the exceptions that may end it.
	EventStream bool   `json:"eventstream"`
	Event       bool   `json:"event"`
	eventName   string // the event's name in its stream
	Error       *struct {
		Code           string `json:"code"`
		HTTPStatusCode int    `json:"httpStatusCode"`
	} `json:"error"`
	Member *ref `json:"member"`
	Key    *ref `json:"key"`
	Value  *ref `json:"value"`
	// Item, KeyName and ValueName are names of the query protocol.
	Item      string `json:"item"`
	KeyName   string `json:"keyName"`
	ValueName string `json:"valueName"`
}

// ref is a use of a shape.
type ref struct {
	Shape        string `json:"shape"`
	Location     string `json:"location"`
	LocationName string `json:"locationName"`
	Flattened    bool   `json:"flattened"`
	QueryName    string `json:"queryName"`
	EventPayload bool   `json:"eventpayload"`
}

// member is a member of a structure.
type member struct {
	ref
	name     string
	required bool
	shape    *shape
}

// load lays the overlay over the model and finds out what is reached.
func load(modelText, overlayText []byte) (*model, error) {
	over, err := parseOverlay(overlayText)
	if err != nil {
		return nil, err
	}
	root, err := parse(modelText)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	root.merge(over.Merge)
	m := &model{over: over, shapes: map[string]*shape{}, inputs: map[string]bool{}, outputs: map[string]bool{}}
	if err := convert(root.values["metadata"], &m.metadata); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if err := m.loadShapes(root); err != nil {
		return nil, err
	}
	if err := m.loadOperations(root); err != nil {
		return nil, err
	}
	return m, m.apply()
}

func convert(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

func (m *model) loadShapes(root *object) error {
	shapes, ok := root.values["shapes"].(*object)
	if !ok {
		return fmt.Errorf("model has no shapes")
	}
	for _, name := range shapes.keys {
		s := &shape{name: name}
		if err := convert(shapes.values[name], s); err != nil {
			return fmt.Errorf("shape %s: %w", name, err)
		}
		m.shapes[name] = s
		m.order = append(m.order, name)
	}
	for _, name := range shapes.keys {
		s := m.shapes[name]
		members, ok := shapes.values[name].(*object).values["members"].(*object)
		if !ok {
			continue
		}
		for _, key := range members.keys {
			x := &member{name: key, required: slices.Contains(s.Required, key)}
			if err := convert(members.values[key], &x.ref); err != nil {
				return fmt.Errorf("member %s.%s: %w", name, key, err)
			}
			if x.shape = m.shapes[x.Shape]; x.shape == nil {
				return fmt.Errorf("member %s.%s: no shape %s", name, key, x.Shape)
			}
			s.members = append(s.members, x)
		}
	}
	return nil
}

func (m *model) loadOperations(root *object) error {
	operations, ok := root.values["operations"].(*object)
	if !ok {
		return fmt.Errorf("model has no operations")
	}
	all := map[string]*operation{}
	for _, name := range operations.keys {
		o := &operation{}
		if err := convert(operations.values[name], o); err != nil {
			return fmt.Errorf("operation %s: %w", name, err)
		}
		all[name] = o
		if !slices.Contains(m.over.Operations, name) {
			m.unoffered = append(m.unoffered, o)
		}
	}
	found := map[string]bool{}
	for _, name := range m.over.Operations {
		o := all[name]
		if o == nil {
			return fmt.Errorf("operation %s is not in the model", name)
		}
		if o.Input == nil {
			return fmt.Errorf("operation %s has no input: not supported", name)
		}
		m.operations = append(m.operations, o)
		m.reach(o.Input.Shape, m.inputs)
		if err := m.reachOutput(o); err != nil {
			return fmt.Errorf("operation %s: %w", name, err)
		}
		for _, e := range o.Errors {
			found[e.Shape] = true
		}
	}
	for name := range found {
		m.errors = append(m.errors, name)
	}
	slices.Sort(m.errors)
	return nil
}

func (m *model) reach(name string, seen map[string]bool) {
	s := m.shapes[name]
	if s == nil || seen[name] {
		return
	}
	seen[name] = true
	for _, x := range s.members {
		m.reach(x.Shape, seen)
	}
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil {
			m.reach(r.Shape, seen)
		}
	}
}

// apply puts the overlay's remarks on shapes where they belong, and fails on those that belong nowhere.
func (m *model) apply() error {
	for _, name := range m.over.Sensitive {
		if m.shapes[name] == nil {
			return fmt.Errorf("sensitive: no shape %s", name)
		}
		m.shapes[name].Sensitive = true
	}
	for name, order := range m.over.EnumOrder {
		s := m.shapes[name]
		if s == nil || !slices.Equal(slices.Sorted(slices.Values(order)), slices.Sorted(slices.Values(s.Enum))) {
			return fmt.Errorf("enumOrder: %s has other values", name)
		}
		s.Enum = order
	}
	for _, name := range m.over.NoEnum {
		if m.shapes[name] == nil {
			return fmt.Errorf("noEnum: no shape %s", name)
		}
	}
	for name := range m.over.Limits {
		if !slices.Contains(m.over.Operations, name) {
			return fmt.Errorf("limits: %s is not offered", name)
		}
	}
	return nil
}

// reached returns the shapes of the type that are in the set, in the model's order.
func (m *model) reached(kind string, sets ...map[string]bool) (list []*shape) {
	for _, name := range m.order {
		s := m.shapes[name]
		if s.Type != kind {
			continue
		}
		if slices.ContainsFunc(sets, func(set map[string]bool) bool { return set[name] }) {
			list = append(list, s)
		}
	}
	return list
}
