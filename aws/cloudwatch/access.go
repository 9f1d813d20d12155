package cloudwatch

import (
	"context"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/protocol"
)

// access names the action; metrics are no resources, alarms are, with their tags. What is put may be limited by its namespace.
func (d *Door) access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	call := protocol.CallFrom(ctx)
	a := protocol.Access{Action: "cloudwatch:" + call.Operation, Resource: "*"}
	var names []string
	switch in := in.(type) {
	case *PutMetricDataInput:
		a.Keys = map[string][]string{"cloudwatch:namespace": {in.Namespace}}
	case *PutMetricAlarmInput:
		names = []string{in.AlarmName}
	case *SetAlarmStateInput:
		names = []string{in.AlarmName}
	case *DeleteAlarmsInput:
		names = in.AlarmNames
	case *EnableAlarmActionsInput:
		names = in.AlarmNames
	case *DisableAlarmActionsInput:
		names = in.AlarmNames
	case *ListTagsForResourceInput:
		a.Resource = in.ResourceARN
	case *TagResourceInput:
		a.Resource = in.ResourceARN
	case *UntagResourceInput:
		a.Resource = in.ResourceARN
	}
	if len(names) == 0 {
		if name, err := tagged(ctx, a.Resource); err == nil {
			d.tagAccess(&a, name)
		}
		return []protocol.Access{a}, nil
	}
	all := make([]protocol.Access, len(names))
	for i, name := range names {
		all[i] = a
		all[i].Resource = alarmName(ctx, name).ARN()
		d.tagAccess(&all[i], alarmName(ctx, name))
	}
	return all, nil
}

// tagAccess says which tags an alarm has, if there is one.
func (d *Door) tagAccess(a *protocol.Access, name alarm.Name) {
	if known, err := d.Alarms.Get(name); err == nil {
		a.Tagged(known.Tags)
	}
}
