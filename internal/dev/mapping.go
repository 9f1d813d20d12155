package dev

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ourTag marks the mappings that are ours. Its value is the folder.
const ourTag = "millrace:dev"

const (
	enabled  = "Enabled"
	disabled = "Disabled"
)

// mappingUpdate is every setting of a mapping that can be changed, in the words of the API.
type mappingUpdate struct {
	mappingNumbers
	FunctionResponseTypes []string
	FilterCriteria        filterCriteria
	DestinationConfig     destinationConfig
}

// mappingNumbers are those of them that are one number or one answer.
type mappingNumbers struct {
	Enabled                        bool
	BatchSize                      int32
	MaximumBatchingWindowInSeconds int32
	ParallelizationFactor          int32
	MaximumRetryAttempts           int32
	MaximumRecordAgeInSeconds      int32
	BisectBatchOnFunctionError     bool
	TumblingWindowInSeconds        int32
}

// mapping is a mapping as the server has it. It is told whether it is enabled by its State.
type mapping struct {
	mappingUpdate
	UUID, State                           string
	EventSourceArn, EventSourceMappingArn string
	StartingPosition                      string
}

// applyMappings makes the mappings of a function what its plan says, and disables those that it does not speak of.
func (w *watch) applyMappings(ctx context.Context, p plan) error {
	var wanted []string // ARNs of streams
	for _, m := range p.mappings {
		stream, err := w.ensureStream(ctx, p.name, m)
		if err != nil {
			return err
		}
		wanted = append(wanted, stream)
		if err := w.applyMapping(ctx, p.name, stream, m); err != nil {
			return fmt.Errorf("mapping of stream %s: %w", m.StreamName, err)
		}
	}
	return w.disableOthers(ctx, p.name, wanted)
}

func (w *watch) applyMapping(ctx context.Context, function, stream string, m mappingSettings) error {
	there, err := w.mappings(ctx, function, stream)
	if err != nil {
		return err
	}
	if len(there) == 0 {
		return w.createMapping(ctx, function, stream, m)
	}
	c := there[0]
	ours, err := w.isOurMapping(ctx, c)
	if err != nil {
		return err
	}
	if !ours {
		w.note(function, "stream %s: the mapping that is there was not made by millrace dev, and is left as it is", m.StreamName)
		return nil
	}
	if m.StartingPosition != nil && *m.StartingPosition != c.StartingPosition {
		w.note(function, "stream %s: the mapping goes on from its place; StartingPosition %s counts only when it is made", m.StreamName, *m.StartingPosition)
	}
	change := m.update()
	if !c.differsFrom(change) {
		return nil
	}
	if err := w.settled(ctx, c.UUID, ""); err != nil {
		return err
	}
	if err := w.clients.lambda(ctx, "UpdateEventSourceMapping", http.MethodPut, mappingsPath+c.UUID, change, nil); err != nil {
		return err
	}
	if err := w.settled(ctx, c.UUID, ""); err != nil {
		return err
	}
	w.out.say(function, "mapping of stream %s updated (%s); it goes on from its place", m.StreamName, onOff(change.Enabled))
	return nil
}

func (w *watch) createMapping(ctx context.Context, function, stream string, m mappingSettings) error {
	in := struct {
		mappingUpdate
		EventSourceArn, FunctionName, StartingPosition string
		StartingPositionTimestamp                      *float64 `json:",omitempty"`
		Tags                                           map[string]string
	}{m.update(), stream, function, "TRIM_HORIZON", m.StartingPositionTimestamp, map[string]string{ourTag: function}}
	assign(&in.StartingPosition, m.StartingPosition)
	var made mapping
	if err := w.clients.lambda(ctx, "CreateEventSourceMapping", http.MethodPost, mappingsPath, in, &made); err != nil {
		return err
	}
	if err := w.settled(ctx, made.UUID, ""); err != nil {
		return err
	}
	w.out.say(function, "mapped to stream %s, from %s (%s)", m.StreamName, in.StartingPosition, onOff(in.Enabled))
	return nil
}

// update returns all settings of a mapping, those that the file does not name with their defaults.
func (m mappingSettings) update() mappingUpdate {
	u := mappingUpdate{
		mappingNumbers:        mappingNumbers{Enabled: true, BatchSize: 100, ParallelizationFactor: 1, MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1},
		FunctionResponseTypes: slices.Concat([]string{}, m.FunctionResponseTypes), // never null, which would leave it as it is
		FilterCriteria:        filterCriteria{Filters: []eventFilter{}},
		DestinationConfig:     destinationConfig{OnFailure: &onFailure{}},
	}
	assign(&u.Enabled, m.Enabled)
	assign(&u.BatchSize, m.BatchSize)
	assign(&u.MaximumBatchingWindowInSeconds, m.MaximumBatchingWindowInSeconds)
	assign(&u.ParallelizationFactor, m.ParallelizationFactor)
	assign(&u.MaximumRetryAttempts, m.MaximumRetryAttempts)
	assign(&u.MaximumRecordAgeInSeconds, m.MaximumRecordAgeInSeconds)
	assign(&u.BisectBatchOnFunctionError, m.BisectBatchOnFunctionError)
	assign(&u.TumblingWindowInSeconds, m.TumblingWindowInSeconds)
	if m.FilterCriteria != nil {
		u.FilterCriteria.Filters = append(u.FilterCriteria.Filters, m.FilterCriteria.Filters...)
	}
	if m.DestinationConfig != nil && m.DestinationConfig.OnFailure != nil {
		u.DestinationConfig.OnFailure = m.DestinationConfig.OnFailure
	}
	return u
}

// differsFrom reports whether an update would change a mapping.
func (c mapping) differsFrom(u mappingUpdate) bool {
	c.Enabled = c.isEnabled()
	samePattern := func(a, b eventFilter) bool { return text(a.Pattern) == text(b.Pattern) }
	return c.mappingNumbers != u.mappingNumbers ||
		!slices.Equal(c.FunctionResponseTypes, u.FunctionResponseTypes) ||
		!slices.EqualFunc(c.FilterCriteria.Filters, u.FilterCriteria.Filters, samePattern) ||
		c.DestinationConfig.destination() != u.DestinationConfig.destination()
}

func (d destinationConfig) destination() string {
	if d.OnFailure == nil {
		return ""
	}
	return text(d.OnFailure.Destination)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// isEnabled reports whether a mapping is enabled, or is becoming it.
func (c mapping) isEnabled() bool { return c.State != disabled && c.State != "Disabling" }

// mappings lists the mappings of a function, of one stream or of all.
func (w *watch) mappings(ctx context.Context, function, stream string) (list []mapping, err error) {
	query := url.Values{"FunctionName": {function}}
	if stream != "" {
		query.Set("EventSourceArn", stream)
	}
	for {
		var page struct {
			EventSourceMappings []mapping
			NextMarker          string
		}
		if err := w.clients.lambda(ctx, "ListEventSourceMappings", http.MethodGet, mappingsPath+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		list = append(list, page.EventSourceMappings...)
		if page.NextMarker == "" {
			return list, nil
		}
		query.Set("Marker", page.NextMarker)
	}
}

func (w *watch) isOurMapping(ctx context.Context, c mapping) (bool, error) {
	var answer struct{ Tags map[string]string }
	if err := w.clients.lambda(ctx, "ListTags", http.MethodGet, tagsPath+url.PathEscape(c.EventSourceMappingArn), nil, &answer); err != nil {
		return false, err
	}
	_, ours := answer.Tags[ourTag]
	return ours, nil
}

// disableOthers disables the mappings of a function whose streams are not among the wanted.
func (w *watch) disableOthers(ctx context.Context, function string, wanted []string) error {
	list, err := w.mappings(ctx, function, "")
	if err != nil {
		return err
	}
	for _, c := range list {
		if slices.Contains(wanted, c.EventSourceArn) || !c.isEnabled() {
			continue
		}
		ours, err := w.isOurMapping(ctx, c)
		if err != nil {
			return err
		}
		if ours {
			if err := w.disable(ctx, function, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *watch) disable(ctx context.Context, function string, c mapping) error {
	if err := w.settled(ctx, c.UUID, ""); err != nil {
		return err
	}
	off := struct{ Enabled bool }{false}
	if err := w.clients.lambda(ctx, "UpdateEventSourceMapping", http.MethodPut, mappingsPath+c.UUID, off, nil); err != nil {
		return err
	}
	if err := w.settled(ctx, c.UUID, disabled); err != nil {
		return err
	}
	_, stream, _ := strings.Cut(c.EventSourceArn, "/")
	w.out.say(function, "mapping of stream %s disabled; it keeps its place", stream)
	return nil
}

// settled waits until a mapping is in a state that stays: the given one, or any.
func (w *watch) settled(ctx context.Context, uuid, state string) error {
	return until(ctx, "the mapping is settled", func() (bool, error) {
		var c mapping
		if err := w.clients.lambda(ctx, "GetEventSourceMapping", http.MethodGet, mappingsPath+uuid, nil, &c); err != nil {
			return false, err
		}
		return c.State == state || state == "" && (c.State == enabled || c.State == disabled), nil
	})
}

func onOff(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}
