package policy

import (
	"encoding/json"
	"slices"
	"strings"
)

// statementMembers are all that a statement may have.
var statementMembers = []string{
	"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}

type rawStatement map[string]json.RawMessage

func readStatement(text json.RawMessage, kind Kind, variables bool) (Statement, error) {
	s := Statement{variables: variables}
	raw, err := members(text, statementMembers...)
	if err != nil {
		return s, err
	}
	if raw["Sid"] != nil && json.Unmarshal(raw["Sid"], &s.Sid) != nil {
		return s, ErrSyntax
	}
	if kind != Resource && strings.Trim(s.Sid, alphanumeric) != "" { // services are not as strict
		return s, ErrSid
	}
	switch string(raw["Effect"]) {
	case `"Allow"`:
		s.Allow = true
	case `"Deny"`:
	default:
		return s, ErrSyntax
	}
	if err := s.readActions(raw); err != nil {
		return s, err
	}
	if err := s.readResources(raw, kind); err != nil {
		return s, err
	}
	if err := s.readPrincipals(raw, kind); err != nil {
		return s, err
	}
	if raw["Condition"] == nil {
		return s, nil
	}
	return s, s.readConditions(raw["Condition"])
}

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (s *Statement) readActions(raw rawStatement) (err error) {
	if raw["Action"] != nil && raw["NotAction"] != nil {
		return ErrSyntax
	}
	if s.Actions, err = onlyStrings(raw["Action"]); err != nil {
		return err
	}
	if s.NotActions, err = onlyStrings(raw["NotAction"]); err != nil {
		return err
	}
	for _, list := range [][]string{s.Actions, s.NotActions} {
		for i, action := range list {
			list[i] = strings.ToLower(action)
			vendor, name, ok := strings.Cut(action, ":")
			if action != "*" && (!ok || vendor == "" || name == "") {
				return ErrVendor
			}
		}
	}
	if len(s.Actions)+len(s.NotActions) == 0 {
		return ErrNoActions
	}
	return nil
}

func (s *Statement) readResources(raw rawStatement, kind Kind) (err error) {
	if raw["Resource"] != nil && raw["NotResource"] != nil {
		return ErrSyntax
	}
	if kind == Trust && (raw["Resource"] != nil || raw["NotResource"] != nil) {
		return ErrProhibited
	}
	if s.Resources, err = onlyStrings(raw["Resource"]); err != nil {
		return err
	}
	if s.NotResources, err = onlyStrings(raw["NotResource"]); err != nil {
		return err
	}
	for _, list := range [][]string{s.Resources, s.NotResources} {
		for i, resource := range list {
			if list[i] = completed(resource, kind); list[i] == "" {
				return Error("Resource " + resource + ` must be in ARN format or "*".`)
			}
		}
	}
	if (kind == Identity || kind == Session) && len(s.Resources)+len(s.NotResources) == 0 {
		return ErrResources
	}
	return nil
}

// completed is the name of a resource, empty when it is none. Policies of identities may leave off the end of one, which means
// everything there.
func completed(resource string, kind Kind) string {
	if resource == "*" {
		return resource
	}
	missing := 5 - colons(resource)
	switch {
	case missing <= 0:
		return resource
	case !strings.HasPrefix(resource, "arn:"), kind == Session, kind == Resource && !strings.HasSuffix(resource, "*"):
		return ""
	}
	return resource + strings.Repeat(":*", missing)
}

// colons are those that part an ARN, which are not those in the names of variables.
func colons(text string) (n int) {
	for {
		before, rest, found := strings.Cut(text, "${")
		n += strings.Count(before, ":")
		if !found {
			return n
		}
		_, text, _ = strings.Cut(rest, "}")
	}
}

func (s *Statement) readPrincipals(raw rawStatement, kind Kind) (err error) {
	if raw["Principal"] != nil && raw["NotPrincipal"] != nil {
		return ErrSyntax
	}
	if kind == Identity || kind == Session {
		if raw["Principal"] != nil || raw["NotPrincipal"] != nil {
			return ErrPrincipal
		}
		return nil
	}
	if s.Principals, err = readPrincipals(raw["Principal"]); err != nil {
		return err
	}
	if s.NotPrincipals, err = readPrincipals(raw["NotPrincipal"]); err != nil {
		return err
	}
	if s.Principals == nil && s.NotPrincipals == nil {
		return ErrNobody
	}
	return nil
}

func readPrincipals(text json.RawMessage) (*Principals, error) {
	if text == nil {
		return nil, nil
	}
	if string(text) == `"*"` {
		return &Principals{Everyone: true}, nil
	}
	raw, err := members(text, "AWS", "Service", "Federated", "CanonicalUser")
	if err != nil {
		return nil, err
	}
	var p Principals
	for _, part := range []struct {
		text json.RawMessage
		to   *[]string
	}{{raw["AWS"], &p.AWS}, {raw["Service"], &p.Services}, {raw["Federated"], &p.Federated}} {
		list, err := texts(part.text) // an account id may be a number
		if err != nil {
			return nil, ErrSyntax
		}
		*part.to = list
	}
	p.Everyone = slices.Contains(p.AWS, "*")
	for _, name := range p.AWS {
		if name != "*" && account(name) == "" {
			return nil, Error(`Invalid principal in policy: "AWS":"` + name + `"`)
		}
	}
	if len(p.AWS)+len(p.Services)+len(p.Federated) == 0 && raw["CanonicalUser"] == nil {
		return nil, ErrSyntax
	}
	return &p, nil
}

// account is that of a principal's name, empty when it is none.
func account(name string) string {
	if isAccount(name) {
		return name
	}
	parts := strings.SplitN(name, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" && (parts[2] == "iam" || parts[2] == "sts") && isAccount(parts[4]) {
		return parts[4]
	}
	return ""
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}
