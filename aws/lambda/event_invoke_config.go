package lambda

import (
	"context"
	"errors"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// PutFunctionEventInvokeConfig says what becomes of events. What it leaves out is as if nothing had ever been said.
func (d *Door) PutFunctionEventInvokeConfig(ctx context.Context, in *PutFunctionEventInvokeConfigRequest) (*FunctionEventInvokeConfig, error) {
	ref, u, err := eventConfigChange(ctx, in.FunctionName, in.Qualifier, in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig)
	if err != nil {
		return nil, err
	}
	c, err := d.Functions.PutEventConfig(ctx, ref, u)
	if err != nil {
		return nil, translateEventConfig(err)
	}
	return eventConfig(c), nil
}

// UpdateFunctionEventInvokeConfig changes what it names.
func (d *Door) UpdateFunctionEventInvokeConfig(ctx context.Context, in *UpdateFunctionEventInvokeConfigRequest) (*FunctionEventInvokeConfig, error) {
	ref, u, err := eventConfigChange(ctx, in.FunctionName, in.Qualifier, in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig)
	if err != nil {
		return nil, err
	}
	c, err := d.Functions.UpdateEventConfig(ctx, ref, u)
	if err != nil {
		return nil, translateEventConfig(err)
	}
	return eventConfig(c), nil
}

// GetFunctionEventInvokeConfig tells of one qualifier.
func (d *Door) GetFunctionEventInvokeConfig(ctx context.Context, in *GetFunctionEventInvokeConfigRequest) (*FunctionEventInvokeConfig, error) {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := d.Functions.EventConfig(ctx, ref)
	if err != nil {
		return nil, translateEventConfig(err)
	}
	return eventConfig(c), nil
}

// maxListedEventConfigs is how many configurations a page has, when not asked for fewer.
const maxListedEventConfigs = 50

// ListFunctionEventInvokeConfigs lists the configurations of all qualifiers that have one.
func (d *Door) ListFunctionEventInvokeConfigs(ctx context.Context, in *ListFunctionEventInvokeConfigsRequest) (*ListFunctionEventInvokeConfigsResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	list, more, err := d.Functions.EventConfigs(ctx, ref.Name, after, pageSize(maxListedEventConfigs, in.MaxItems))
	if err != nil {
		return nil, translateEventConfig(err)
	}
	out := &ListFunctionEventInvokeConfigsResponse{FunctionEventInvokeConfigs: make([]FunctionEventInvokeConfig, len(list))}
	for i, c := range list {
		out.FunctionEventInvokeConfigs[i] = *eventConfig(c)
	}
	if more {
		out.NextMarker = marker(list[len(list)-1].About.Qualifier)
	}
	return out, nil
}

// DeleteFunctionEventInvokeConfig brings the defaults of one qualifier back.
func (d *Door) DeleteFunctionEventInvokeConfig(ctx context.Context, in *DeleteFunctionEventInvokeConfigRequest) error {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return err
	}
	return translateEventConfig(d.Functions.DeleteEventConfig(ctx, ref))
}

// eventConfigChange reads what putting and updating share.
func eventConfigChange(
	ctx context.Context, name string, qualifier *string, retries, age *int, to *DestinationConfig,
) (function.Ref, function.EventConfigUpdate, error) {
	u := function.EventConfigUpdate{MaximumRetryAttempts: retries, MaximumEventAgeSeconds: age}
	if to != nil && to.OnSuccess != nil {
		u.OnSuccess = to.OnSuccess.Destination
	}
	if to != nil && to.OnFailure != nil {
		u.OnFailure = to.OnFailure.Destination
	}
	ref, err := functionRef(ctx, name, qualifier)
	switch {
	case err != nil:
	case retries == nil && age == nil && to == nil:
		err = invalid("You must specify at least one of error handling or destination setting.")
	default:
		err = refuse(member{"A destination at EventBridge", isEventBus(u.OnSuccess) || isEventBus(u.OnFailure)})
	}
	return ref, u, err
}

func isEventBus(destination *string) bool {
	return destination != nil && len(strings.SplitN(*destination, ":", 4)) == 4 && strings.Split(*destination, ":")[2] == "events"
}

// eventConfig describes a configuration as AWS does: with its destinations in any case.
func eventConfig(c function.EventConfig) *FunctionEventInvokeConfig {
	return &FunctionEventInvokeConfig{
		LastModified: &c.LastModified, FunctionArn: new(c.About.ARN()),
		MaximumRetryAttempts: c.MaximumRetryAttempts, MaximumEventAgeInSeconds: c.MaximumEventAgeSeconds,
		DestinationConfig: &DestinationConfig{
			OnSuccess: &OnSuccess{Destination: text(c.OnSuccess)}, OnFailure: &OnFailure{Destination: text(c.OnFailure)},
		},
	}
}

// translateEventConfig gives an error about configurations of events its text; a function, a version or an alias that is
// not there has one of its own.
func translateEventConfig(err error) error {
	var (
		missing *function.NoEventConfigError
		no      *function.DestinationMissingError
		wrong   *function.DestinationsError
	)
	switch {
	case errors.Is(err, function.ErrNotFound):
		return &protocol.Error{Code: ResourceNotFoundException, Message: "The function doesn't exist."}
	case errors.As(err, &missing):
		return &protocol.Error{Code: ResourceNotFoundException, Message: "The function " + missing.ARN + " doesn't have an EventInvokeConfig"}
	case errors.As(err, &no):
		return invalid("The destination ARN %s is invalid.", no.ARN)
	case errors.Is(err, function.ErrOwnDestination):
		return invalid("You can't specify the function as a destination for itself.")
	case errors.As(err, &wrong):
		return invalid("The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is invalid.",
			shownDestination("OnSuccess", wrong.OnSuccess), shownDestination("OnFailure", wrong.OnFailure))
	}
	return translate(err)
}

func shownDestination(member, arn string) string {
	if arn == "" {
		return "null"
	}
	return member + "(destination=" + arn + ")"
}
