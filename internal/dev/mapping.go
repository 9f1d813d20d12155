package dev

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// ourTag marks the mappings that are ours. Its value is the folder.
const ourTag = "millrace:dev"

const (
	enabled  = "Enabled"
	disabled = "Disabled"
)

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
	if m.StartingPosition != nil && *m.StartingPosition != string(c.StartingPosition) {
		w.note(function, "stream %s: the mapping goes on from its place; StartingPosition %s counts only when it is made", m.StreamName, *m.StartingPosition)
	}
	change := m.update(aws.ToString(c.UUID))
	if !changes(c, change) {
		return nil
	}
	if err := w.settled(ctx, aws.ToString(c.UUID), ""); err != nil {
		return err
	}
	if _, err := w.clients.lambda.UpdateEventSourceMapping(ctx, change); err != nil {
		return refusal("UpdateEventSourceMapping", err)
	}
	if err := w.settled(ctx, aws.ToString(c.UUID), ""); err != nil {
		return err
	}
	w.out.say(function, "mapping of stream %s updated (%s); it goes on from its place", m.StreamName, onOff(*change.Enabled))
	return nil
}

func (w *watch) createMapping(ctx context.Context, function, stream string, m mappingSettings) error {
	u := m.update("")
	in := &lambda.CreateEventSourceMappingInput{
		EventSourceArn: &stream, FunctionName: &function, Tags: map[string]string{ourTag: function},
		StartingPosition: types.EventSourcePositionTrimHorizon, Enabled: u.Enabled, BatchSize: u.BatchSize,
		MaximumBatchingWindowInSeconds: u.MaximumBatchingWindowInSeconds, ParallelizationFactor: u.ParallelizationFactor,
		MaximumRetryAttempts: u.MaximumRetryAttempts, MaximumRecordAgeInSeconds: u.MaximumRecordAgeInSeconds,
		BisectBatchOnFunctionError: u.BisectBatchOnFunctionError, TumblingWindowInSeconds: u.TumblingWindowInSeconds,
		FunctionResponseTypes: u.FunctionResponseTypes, FilterCriteria: u.FilterCriteria, DestinationConfig: u.DestinationConfig,
	}
	if m.StartingPosition != nil {
		in.StartingPosition = types.EventSourcePosition(*m.StartingPosition)
	}
	if m.StartingPositionTimestamp != nil {
		whole, part := math.Modf(*m.StartingPositionTimestamp)
		in.StartingPositionTimestamp = aws.Time(time.Unix(int64(whole), int64(part*1e9)))
	}
	made, err := w.clients.lambda.CreateEventSourceMapping(ctx, in)
	if err != nil {
		return refusal("CreateEventSourceMapping", err)
	}
	if err := w.settled(ctx, aws.ToString(made.UUID), ""); err != nil {
		return err
	}
	w.out.say(function, "mapped to stream %s, from %s (%s)", m.StreamName, in.StartingPosition, onOff(*in.Enabled))
	return nil
}

// update returns all settings of a mapping, those that the file does not name with their defaults.
func (m mappingSettings) update(uuid string) *lambda.UpdateEventSourceMappingInput {
	in := &lambda.UpdateEventSourceMappingInput{
		UUID:                           &uuid,
		Enabled:                        or(m.Enabled, true),
		BatchSize:                      or(m.BatchSize, 100),
		MaximumBatchingWindowInSeconds: or(m.MaximumBatchingWindowInSeconds, 0),
		ParallelizationFactor:          or(m.ParallelizationFactor, 1),
		MaximumRetryAttempts:           or(m.MaximumRetryAttempts, -1),
		MaximumRecordAgeInSeconds:      or(m.MaximumRecordAgeInSeconds, -1),
		BisectBatchOnFunctionError:     or(m.BisectBatchOnFunctionError, false),
		TumblingWindowInSeconds:        or(m.TumblingWindowInSeconds, 0),
		FunctionResponseTypes:          []types.FunctionResponseType{},
		FilterCriteria:                 &types.FilterCriteria{Filters: []types.Filter{}},
		DestinationConfig:              &types.DestinationConfig{OnFailure: &types.OnFailure{}},
	}
	for _, t := range m.FunctionResponseTypes {
		in.FunctionResponseTypes = append(in.FunctionResponseTypes, types.FunctionResponseType(t))
	}
	if m.FilterCriteria != nil {
		for _, f := range m.FilterCriteria.Filters {
			in.FilterCriteria.Filters = append(in.FilterCriteria.Filters, types.Filter{Pattern: f.Pattern})
		}
	}
	if m.DestinationConfig != nil && m.DestinationConfig.OnFailure != nil {
		in.DestinationConfig.OnFailure.Destination = m.DestinationConfig.OnFailure.Destination
	}
	return in
}

func or[T any](value *T, otherwise T) *T {
	if value == nil {
		return &otherwise
	}
	return value
}

// changes reports whether an update would change a mapping.
func changes(c types.EventSourceMappingConfiguration, u *lambda.UpdateEventSourceMappingInput) bool {
	var filters []types.Filter
	if c.FilterCriteria != nil {
		filters = c.FilterCriteria.Filters
	}
	var destination string
	if c.DestinationConfig != nil && c.DestinationConfig.OnFailure != nil {
		destination = aws.ToString(c.DestinationConfig.OnFailure.Destination)
	}
	samePattern := func(a, b types.Filter) bool { return aws.ToString(a.Pattern) == aws.ToString(b.Pattern) }
	return isEnabled(c) != *u.Enabled ||
		aws.ToInt32(c.BatchSize) != *u.BatchSize ||
		aws.ToInt32(c.MaximumBatchingWindowInSeconds) != *u.MaximumBatchingWindowInSeconds ||
		aws.ToInt32(c.ParallelizationFactor) != *u.ParallelizationFactor ||
		aws.ToInt32(c.MaximumRetryAttempts) != *u.MaximumRetryAttempts ||
		aws.ToInt32(c.MaximumRecordAgeInSeconds) != *u.MaximumRecordAgeInSeconds ||
		aws.ToBool(c.BisectBatchOnFunctionError) != *u.BisectBatchOnFunctionError ||
		aws.ToInt32(c.TumblingWindowInSeconds) != *u.TumblingWindowInSeconds ||
		!slices.Equal(c.FunctionResponseTypes, u.FunctionResponseTypes) ||
		!slices.EqualFunc(filters, u.FilterCriteria.Filters, samePattern) ||
		destination != aws.ToString(u.DestinationConfig.OnFailure.Destination)
}

// isEnabled reports whether a mapping is enabled, or is becoming it.
func isEnabled(c types.EventSourceMappingConfiguration) bool {
	state := aws.ToString(c.State)
	return state != disabled && state != "Disabling"
}

// mappings lists the mappings of a function, of one stream or of all.
func (w *watch) mappings(ctx context.Context, function, stream string) (list []types.EventSourceMappingConfiguration, err error) {
	in := &lambda.ListEventSourceMappingsInput{FunctionName: &function}
	if stream != "" {
		in.EventSourceArn = &stream
	}
	pages := lambda.NewListEventSourceMappingsPaginator(w.clients.lambda, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, refusal("ListEventSourceMappings", err)
		}
		list = append(list, page.EventSourceMappings...)
	}
	return list, nil
}

func (w *watch) isOurMapping(ctx context.Context, c types.EventSourceMappingConfiguration) (bool, error) {
	tags, err := w.clients.lambda.ListTags(ctx, &lambda.ListTagsInput{Resource: c.EventSourceMappingArn})
	if err != nil {
		return false, refusal("ListTags", err)
	}
	_, ours := tags.Tags[ourTag]
	return ours, nil
}

// disableOthers disables the mappings of a function whose streams are not among the wanted.
func (w *watch) disableOthers(ctx context.Context, function string, wanted []string) error {
	list, err := w.mappings(ctx, function, "")
	if err != nil {
		return err
	}
	for _, c := range list {
		if slices.Contains(wanted, aws.ToString(c.EventSourceArn)) || !isEnabled(c) {
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

func (w *watch) disable(ctx context.Context, function string, c types.EventSourceMappingConfiguration) error {
	if err := w.settled(ctx, aws.ToString(c.UUID), ""); err != nil {
		return err
	}
	_, err := w.clients.lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: c.UUID, Enabled: aws.Bool(false)})
	if err != nil {
		return refusal("UpdateEventSourceMapping", err)
	}
	if err := w.settled(ctx, aws.ToString(c.UUID), disabled); err != nil {
		return err
	}
	_, stream, _ := strings.Cut(aws.ToString(c.EventSourceArn), "/")
	w.out.say(function, "mapping of stream %s disabled; it keeps its place", stream)
	return nil
}

// settled waits until a mapping is in a state that stays: the given one, or any.
func (w *watch) settled(ctx context.Context, uuid, state string) error {
	return until(ctx, "the mapping is settled", func() (bool, error) {
		c, err := w.clients.lambda.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &uuid})
		if err != nil {
			return false, refusal("GetEventSourceMapping", err)
		}
		now := aws.ToString(c.State)
		return now == state || state == "" && (now == enabled || now == disabled), nil
	})
}

func onOff(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}
