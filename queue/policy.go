package queue

import "github.com/millrace/millrace/identity/policy"

// validPolicy reports whether a text is a policy that can be judged by. What it grants is not this room's business.
func validPolicy(text string) bool {
	_, err := policy.Parse(text, policy.Resource)
	return err == nil
}
