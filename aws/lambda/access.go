package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
)

// actions are what operations need, where it is not the action of their own name.
var actions = map[string]string{"Invoke": "InvokeFunction", "InvokeAsync": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction", "GetLayerVersionByArn": "GetLayerVersion"}

// access names the function or the mapping of each operation. Who gives a function a role has to be allowed to pass it.
func (d *Door) access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	call := protocol.CallFrom(ctx)
	members := protocol.Members(in)
	a := protocol.Access{Action: "lambda:" + call.Operation, Resource: "*"}
	if other := actions[call.Operation]; other != "" {
		a.Action = "lambda:" + other
	}
	function, policy := "", ""
	if members["FunctionName"] != "" {
		qualifier := members["Qualifier"]
		ref, err := functionRef(ctx, members["FunctionName"], &qualifier)
		if err != nil {
			return nil, err
		}
		function = ref.ARN()
		if p, err := d.Functions.PolicyOf(ctx, ref); err == nil {
			policy = p.Document()
		}
	}
	switch {
	case members["UUID"] != "":
		a.Resource = arn.New("lambda", call.Region, call.Account, "event-source-mapping:"+members["UUID"]).String()
	case call.Operation == "CreateEventSourceMapping", call.Operation == "ListEventSourceMappings":
	case members["Resource"] != "":
		a.Resource = members["Resource"]
	case function != "":
		a.Resource, a.Policy = function, policy
	case members["LayerName"] != "":
		a.Resource = layerResource(ctx, in, members["LayerName"])
		a.Policy = d.layerPolicy(a.Resource)
	case call.Operation == "GetLayerVersionByArn":
		a.Resource, a.Policy = members["Arn"], d.layerPolicy(members["Arn"])
	}
	if function != "" && a.Resource != function {
		a.Keys = map[string][]string{"lambda:functionarn": {function}}
	}
	accesses := append([]protocol.Access{a}, d.codeAccess(in)...)
	if role := members["Role"]; role != "" {
		accesses = append(accesses, protocol.Access{
			Action: "iam:PassRole", Resource: role, Keys: map[string][]string{"iam:passedtoservice": {"lambda.amazonaws.com"}},
		})
	}
	return accesses, nil
}
