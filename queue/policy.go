package queue

import "encoding/json"

// validPolicy reports whether a text has the form of a queue's policy: an object of a known version, with statements that
// each have an effect. What it grants is not this room's business.
func validPolicy(text string) bool {
	var policy struct {
		Version   *string
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(text), &policy) != nil {
		return false
	}
	if policy.Version != nil && *policy.Version != "2008-10-17" && *policy.Version != "2012-10-17" {
		return false
	}
	type statement struct{ Effect string }
	var all []statement
	if json.Unmarshal(policy.Statement, &all) != nil {
		var one statement
		if json.Unmarshal(policy.Statement, &one) != nil {
			return false
		}
		all = []statement{one}
	}
	for _, s := range all {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return false
		}
	}
	return len(all) > 0
}
