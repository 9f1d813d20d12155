package lambda

import (
	"context"
	"maps"
	"slices"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
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
	function, policy, mapped := "", "", ""
	var tags map[string]string
	var accesses []protocol.Access
	if members["FunctionName"] != "" {
		qualifier := members["Qualifier"]
		ref, err := functionRef(ctx, members["FunctionName"], &qualifier)
		if err != nil {
			return nil, err
		}
		function, tags = ref.ARN(), d.functionTags(ctx, ref.Name)
		if p, err := d.Functions.PolicyOf(ctx, ref); err == nil {
			policy = p.Document()
		}
	}
	switch {
	case members["UUID"] != "":
		a.Resource = arn.New("lambda", call.Region, call.Account, mappingResource+members["UUID"]).String()
		m, err := d.Mappings.Get(call.Account, call.Region, members["UUID"])
		if err == nil {
			mapped = m.Function.ARN()
		}
		tags, _ = d.Mappings.Tags(ctx, call.Account, call.Region, members["UUID"])
	case call.Operation == "CreateEventSourceMapping", call.Operation == "ListEventSourceMappings":
		tags = nil // what there is not yet, and everything, has none
	case members["Resource"] != "":
		a.Resource, tags = d.taggedResource(ctx, members["Resource"])
	case function != "":
		a.Resource, a.Policy = function, policy
	case members["LayerName"] != "":
		a.Resource = layerResource(ctx, in, members["LayerName"])
		a.Policy = d.layerPolicy(a.Resource)
	case call.Operation == "GetLayerVersionByArn":
		a.Resource = layerARN(members["Arn"])
		a.Policy = d.layerPolicy(a.Resource)
	}
	a.Tagged(tags)
	// A mapping is judged by its function, and by the one that it is to have.
	for _, f := range []string{mapped, function} {
		if f == "" || f == a.Resource {
			continue
		}
		if a.Keys = with(a.Keys, "lambda:functionarn", f); f == mapped && function != "" && function != mapped {
			before := a
			before.Keys = maps.Clone(a.Keys)
			accesses = append(accesses, before)
		}
	}
	if who := members["Principal"]; who != "" {
		a.Keys = with(a.Keys, "lambda:principal", who)
	}
	if layers := givenLayers(in); len(layers) > 0 {
		a.Keys = with(a.Keys, "lambda:layer", layers...)
	}
	accesses = slices.Concat([]protocol.Access{a}, accesses, d.codeAccess(in))
	if role := members["Role"]; role != "" {
		accesses = append(accesses, protocol.Access{
			Action: "iam:PassRole", Resource: role, Keys: map[string][]string{"iam:passedtoservice": {"lambda.amazonaws.com"}, "iam:associatedresourcearn": {function}},
		})
	}
	return accesses, nil
}

func (d *Door) functionTags(ctx context.Context, name function.Name) map[string]string {
	a, err := d.Functions.Attributes(ctx, name)
	if err != nil {
		return nil
	}
	return a.Tags
}

// taggedResource is the function or the mapping of the tag operations, in its own spelling, which policies know, and its tags.
func (d *Door) taggedResource(ctx context.Context, resource string) (string, map[string]string) {
	of, _ := d.tagged(ctx, resource)
	switch {
	case of.uuid != "":
		tags, _ := d.Mappings.Tags(ctx, of.account, of.region, of.uuid)
		return arn.New("lambda", of.region, of.account, mappingResource+of.uuid).String(), tags
	case of.function.Name != "":
		return function.Ref{Name: of.function}.ARN(), d.functionTags(ctx, of.function)
	}
	return resource, nil
}

// with sets a key.
func with(keys map[string][]string, name string, values ...string) map[string][]string {
	if keys == nil {
		keys = map[string][]string{}
	}
	keys[name] = values
	return keys
}
