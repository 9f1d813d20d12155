package iam

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
	"github.com/millrace/millrace/identity/policy"
)

// simulation is what both operations ask for in the same words.
type simulation struct {
	trial     identity.Trial
	boundary  []string
	actions   []string
	resources []string
	owner     *string
	context   []ContextEntry
	handling  *string
	most      *int
	marker    *string
}

// SimulatePrincipalPolicy says what a user, a group or a role might do.
func (d *Door) SimulatePrincipalPolicy(ctx context.Context, in *SimulatePrincipalPolicyRequest) (*SimulatePolicyResponse, error) {
	of, err := d.Identities.ByARN(role(ctx, "").Account, in.PolicySourceArn)
	if err != nil {
		return nil, translate(err)
	}
	return d.simulate(simulation{
		trial:    identity.Trial{Of: of, Policies: in.PolicyInputList, Policy: protocol.Value(in.ResourcePolicy), Caller: protocol.Value(in.CallerArn)},
		boundary: in.PermissionsBoundaryPolicyInputList, actions: in.ActionNames, resources: in.ResourceArns, owner: in.ResourceOwner,
		context: in.ContextEntries, handling: in.ResourceHandlingOption, most: in.MaxItems, marker: in.Marker,
	})
}

// SimulateCustomPolicy says what somebody might do who had the policies that are given.
func (d *Door) SimulateCustomPolicy(_ context.Context, in *SimulateCustomPolicyRequest) (*SimulatePolicyResponse, error) {
	return d.simulate(simulation{
		trial:    identity.Trial{Policies: in.PolicyInputList, Policy: protocol.Value(in.ResourcePolicy), Caller: protocol.Value(in.CallerArn)},
		boundary: in.PermissionsBoundaryPolicyInputList, actions: in.ActionNames, resources: in.ResourceArns, owner: in.ResourceOwner,
		context: in.ContextEntries, handling: in.ResourceHandlingOption, most: in.MaxItems, marker: in.Marker,
	})
}

// maxTrials bounds how many pairs of an action and a resource are simulated at once.
const maxTrials = 10000

func (d *Door) simulate(s simulation) (*SimulatePolicyResponse, error) {
	if err := s.prepare(); err != nil {
		return nil, err
	}
	start := 0
	if s.marker != nil {
		n, err := strconv.Atoi(*s.marker)
		if err != nil || n < 0 {
			return nil, fault(InvalidInputException, "Invalid Marker: "+*s.marker)
		}
		start = n
	}
	count := len(s.actions) * len(s.resources)
	start = min(start, count)
	end := min(count, start+size(s.most))
	var asks []identity.Ask
	for i := start; i < end; i++ {
		asks = append(asks, identity.Ask{Action: s.actions[i/len(s.resources)], Resource: s.resources[i%len(s.resources)]})
	}
	verdicts, err := d.Identities.Try(s.trial, asks)
	if err != nil {
		return nil, translate(err)
	}
	out := &SimulatePolicyResponse{EvaluationResults: []EvaluationResult{}, IsTruncated: new(end < count)}
	for i, v := range verdicts {
		out.EvaluationResults = append(out.EvaluationResults, result(asks[i], v))
	}
	if end < count {
		out.Marker = new(strconv.Itoa(end))
	}
	return out, nil
}

// prepare reads what the trials have in common, and refuses what is not carried out.
func (s *simulation) prepare() error {
	if len(s.resources) == 0 {
		s.resources = []string{"*"}
	}
	switch {
	case s.handling != nil:
		return fault(InvalidInputException, "ResourceHandlingOption is for instances, which are not supported.")
	case len(s.boundary) > 1:
		return fault(InvalidInputException, "Only one permissions boundary can be given.")
	case len(s.actions)*len(s.resources) > maxTrials:
		return fault(InvalidInputException, fmt.Sprintf("Cannot simulate more than %d actions on resources at once.", maxTrials))
	case s.trial.Policy != "" && s.trial.Caller == "" && (s.trial.Of == nil || s.trial.Of.Kind != identity.User):
		return fault(InvalidInputException, "CallerArn is required when ResourcePolicy is given and the policies are not those of a user.")
	case s.trial.Caller != "" && !strings.Contains(s.trial.Caller, ":user/"):
		return fault(InvalidInputException, "CallerArn must be the ARN of a user.")
	}
	for _, action := range s.actions {
		if vendor, name, ok := strings.Cut(action, ":"); !ok || vendor == "" || name == "" {
			return fault(InvalidInputException, "Invalid action: "+action)
		}
	}
	if len(s.boundary) == 1 {
		s.trial.Boundary = s.boundary[0]
	}
	if s.owner != nil {
		s.trial.Owner = accountOf(*s.owner)
	}
	s.trial.Keys = map[string][]string{}
	for _, c := range s.context {
		if c.ContextKeyName == nil {
			return fault(InvalidInputException, "ContextKeyName is required.")
		}
		s.trial.Keys[strings.ToLower(*c.ContextKeyName)] = c.ContextKeyValues
	}
	return nil
}

// accountOf is the account that owns the resources, which is given by its number or its ARN.
func accountOf(owner string) string {
	if parts := strings.SplitN(owner, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return owner
}

func result(t identity.Ask, v identity.Verdict) EvaluationResult {
	decision := PolicyEvaluationDecisionTypeImplicitDeny
	switch {
	case v.Reason == policy.Allowed:
		decision = PolicyEvaluationDecisionTypeAllowed
	case v.Reason.Explicit():
		decision = PolicyEvaluationDecisionTypeExplicitDeny
	}
	out := EvaluationResult{
		EvalActionName: t.Action, EvalResourceName: new(t.Resource), EvalDecision: decision,
		MatchedStatements: []Statement{}, MissingContextValues: append([]string{}, v.Missing...),
	}
	if v.Bounded {
		out.PermissionsBoundaryDecisionDetail = &PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: new(v.Within)}
	}
	return out
}
