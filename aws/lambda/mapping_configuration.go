package lambda

import (
	"time"

	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/stream"
)

// mappingConfiguration describes a mapping as Create and Update do.
func mappingConfiguration(m mapping.Mapping) *EventSourceMappingConfiguration {
	c := &EventSourceMappingConfiguration{
		UUID:                           &m.UUID,
		EventSourceMappingArn:          new(m.ARN()),
		EventSourceArn:                 new(m.SourceARN()),
		FunctionArn:                    new(m.Function.ARN()),
		StartingPosition:               new(string(m.Start.Type)),
		BatchSize:                      &m.Settings.BatchSize,
		MaximumBatchingWindowInSeconds: &m.Settings.MaximumBatchingWindow,
		ParallelizationFactor:          &m.Settings.ParallelizationFactor,
		MaximumRecordAgeInSeconds:      &m.Settings.MaximumRecordAge,
		BisectBatchOnFunctionError:     &m.Settings.BisectBatchOnFunctionError,
		MaximumRetryAttempts:           &m.Settings.MaximumRetryAttempts,
		TumblingWindowInSeconds:        &m.Settings.TumblingWindow,
		FunctionResponseTypes:          []string{},
		FilterCriteria:                 filterCriteria(m.Settings.Filters),
		KMSKeyArn:                      text(m.Settings.KMSKey),
		MetricsConfig:                  metricsConfig(m.Settings.EventCount),
		DestinationConfig:              &DestinationConfig{OnFailure: &OnFailure{Destination: text(m.Settings.OnFailure)}},
		State:                          new(string(m.State)),
		StateTransitionReason:          &m.StateTransitionReason,
		LastModified:                   &m.LastModified,
		LastProcessingResult:           &m.LastProcessingResult,
	}
	if m.Settings.ReportBatchItemFailures {
		c.FunctionResponseTypes = append(c.FunctionResponseTypes, FunctionResponseTypeReportBatchItemFailures)
	}
	if m.Start.Type == stream.AtTimestamp {
		c.StartingPositionTimestamp = new(m.Start.Timestamp.Truncate(time.Second))
	}
	return c
}

// listedConfiguration describes a mapping as List does: nobody is asked whether the caller may decrypt what is encrypted.
func listedConfiguration(m mapping.Mapping) *EventSourceMappingConfiguration {
	c := restingConfiguration(m)
	if m.Settings.KMSKey != "" {
		c.FilterCriteria = nil
	}
	return c
}

// restingConfiguration describes a mapping as Get, List and Delete do: with the minute in which it was changed.
func restingConfiguration(m mapping.Mapping) *EventSourceMappingConfiguration {
	c := mappingConfiguration(m)
	c.LastModified = new(m.LastModified.Truncate(time.Minute))
	return c
}
