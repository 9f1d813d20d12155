package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Scope says what a policy is about.
type Scope string

// The scopes.
const (
	ScopeAttributes Scope = "MessageAttributes"
	ScopeBody       Scope = "MessageBody"
)

// Limits of a policy.
const (
	maxPolicyBytes        = 256 << 10
	maxPolicyKeys         = 5
	maxPolicyCombinations = 150
)

// Policy is a compiled filter policy. It never changes, and many goroutines may use it at once.
type Policy struct {
	scope Scope
	set   *Set
}

// CompilePolicy compiles a filter policy of SNS. The error is a *PolicyError.
func CompilePolicy(text string, scope Scope) (*Policy, error) {
	object, err := decodePolicy(text)
	if err != nil {
		return nil, err
	}
	if err := checkPolicy(object, scope); err != nil {
		return nil, err
	}
	if len(object) == 0 { // asks for nothing, and everything passes
		return &Policy{scope: scope}, nil
	}
	p, err := parseObject("", map[string]any{keyData: object})
	if err != nil {
		var wrong *PatternError
		if errors.As(err, &wrong) {
			return nil, &PolicyError{Reason: strings.TrimPrefix(wrong.Error(), keyData+".")}
		}
		return nil, err
	}
	return &Policy{scope: scope, set: newSet([]*pattern{p})}, nil
}

// Scope is what the policy is about.
func (p *Policy) Scope() Scope { return p.scope }

// Match reports whether a message passes: by its body, or by an object of its attributes, whichever the scope says.
func (p *Policy) Match(object []byte) bool {
	return p.set == nil || p.set.Match(&Record{Data: object})
}

// PolicyError says in SNS's words what is wrong with a policy.
type PolicyError struct {
	Reason string
	// Bare says that SNS does not put the word FilterPolicy before the reason.
	Bare bool
}

func (e *PolicyError) Error() string {
	if e.Bare {
		return e.Reason
	}
	return "FilterPolicy: " + e.Reason
}

func wrongPolicy(form string, arguments ...any) error {
	return &PolicyError{Reason: fmt.Sprintf(form, arguments...)}
}

func decodePolicy(text string) (map[string]any, error) {
	if len(text) > maxPolicyBytes {
		return nil, wrongPolicy("Filter policy is too long")
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil || !utf8.ValidString(text) {
		return nil, wrongPolicy("failed to parse JSON.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, wrongPolicy("failed to parse JSON.")
	}
	return object, nil
}

func checkPolicy(object map[string]any, scope Scope) error {
	if len(object) > maxPolicyKeys {
		return wrongPolicy("Filter policy can not have more than %d keys", maxPolicyKeys)
	}
	combinations, err := checkPolicyObject(object, scope, 1, 1)
	if err == nil && combinations > maxPolicyCombinations {
		return wrongPolicy("Filter policy is too complex")
	}
	return err
}

// checkPolicyObject judges an object of a policy and counts its combinations as SNS does: the values beside each key times
// the depth of the key, multiplied, and the alternatives of an $or added.
func checkPolicyObject(object map[string]any, scope Scope, depth, combinations int) (int, error) {
	if depth > 1 && scope == ScopeAttributes {
		return 0, &PolicyError{Reason: "Filter policy scope MessageAttributes does not support nested filter policy", Bare: true}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		var err error
		switch value := object[name].(type) {
		case map[string]any:
			combinations, err = checkPolicyObject(value, scope, depth+1, combinations)
		case []any:
			if len(value) == 0 {
				return 0, wrongPolicy("Empty arrays are not allowed")
			}
			if alternatives, ok := alternativesOf(name, value); ok {
				combinations, err = checkPolicyAlternatives(alternatives, scope, depth, combinations)
				break
			}
			combinations *= len(value) * depth
			err = checkPolicyRules(value)
		default:
			return 0, wrongPolicy("%q must be an object or an array", name)
		}
		if err != nil {
			return 0, err
		}
		combinations = min(combinations, maxPolicyCombinations+1) // enough to know, and never too many to count
	}
	return combinations, nil
}

func checkPolicyAlternatives(alternatives []map[string]any, scope Scope, depth, combinations int) (int, error) {
	total := 0
	for _, alternative := range alternatives {
		n, err := checkPolicyObject(alternative, scope, depth, combinations)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func checkPolicyRules(rules []any) error {
	for _, rule := range rules {
		if err := checkPolicyRule(rule); err != nil {
			return err
		}
	}
	return nil
}

// checkPolicyRule finds what SNS has a sentence for. What else is wrong is found when the pattern is made.
func checkPolicyRule(rule any) error {
	switch rule := rule.(type) {
	case []any:
		return wrongPolicy("Match value must be String, number, true, false, or null")
	case map[string]any:
		if len(rule) != 1 {
			return wrongPolicy("Only one key allowed in match expression")
		}
		for operator, operand := range rule {
			return checkPolicyOperator(operator, operand)
		}
	}
	return nil
}

func checkPolicyOperator(operator string, operand any) error {
	_, isString := operand.(string)
	_, isBool := operand.(bool)
	switch operator {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
		if _, isObject := operand.(map[string]any); !isString && !isObject {
			return wrongPolicy("%s match pattern must be a string", operator)
		}
	case "exists":
		if !isBool {
			return wrongPolicy("exists match pattern must be either true or false.")
		}
	case "numeric":
		list, _ := operand.([]any)
		return checkPolicyNumeric(list)
	case "cidr":
		return checkPolicyCIDR(operand)
	case "anything-but":
		if inner, ok := operand.(map[string]any); ok {
			for name := range inner {
				if !slices.Contains(butOperators, name) {
					return wrongPolicy("Unsupported anything-but pattern: %s", name)
				}
			}
		}
	default:
		return wrongPolicy("Unrecognized match type %s", operator)
	}
	return nil
}

func checkPolicyCIDR(operand any) error {
	text, ok := operand.(string)
	if !ok {
		return wrongPolicy("prefix match pattern must be a string") // SNS says so
	}
	address, bits, found := strings.Cut(text, "/")
	if !found || strings.Contains(bits, "/") {
		return wrongPolicy("Malformed CIDR, one '/' required")
	}
	if bits == "" || strings.Trim(bits, "0123456789") != "" {
		return wrongPolicy("Malformed CIDR, mask bits must be an integer")
	}
	if _, err := parseCIDR("", text); err != nil {
		return wrongPolicy("Nonstandard IP address: %s", address)
	}
	return nil
}

// checkPolicyNumeric judges the list beside "numeric", in the order in which SNS reads it.
func checkPolicyNumeric(list []any) error {
	if len(list) == 0 {
		return wrongPolicy("Invalid member in numeric match: ]")
	}
	first, ok := list[0].(string)
	switch {
	case !ok:
		return wrongPolicy("Invalid member in numeric match: %v", list[0])
	case !slices.Contains([]string{"<", "<=", "=", ">", ">="}, first):
		return wrongPolicy("Unrecognized numeric range operator: %s", first)
	}
	low, err := policyNumber(list, 1)
	if err != nil || len(list) == 2 {
		return err
	}
	if first[0] != '>' {
		return wrongPolicy("Too many elements in numeric expression")
	}
	second, ok := list[2].(string)
	switch {
	case !ok:
		return wrongPolicy("Bad value in numeric range: %v", list[2])
	case second != "<" && second != "<=":
		return wrongPolicy("Bad numeric range operator: %s", second)
	}
	high, err := policyNumber(list, 3)
	switch {
	case err != nil:
		return err
	case compareNumbers(high, low) <= 0:
		return wrongPolicy("Bottom must be less than top")
	case len(list) > 4:
		return wrongPolicy("Too many terms in numeric range expression")
	}
	return nil
}

// policyNumber is the number at a place of the list, behind its operator.
func policyNumber(list []any, at int) ([]byte, error) {
	if at < len(list) {
		if number, ok := list[at].(json.Number); ok {
			return []byte(number), nil
		}
	}
	operator := fmt.Sprint(list[at-1])
	if operator == "=" {
		operator = "equals"
	}
	return nil, wrongPolicy("Value of %s must be numeric", operator)
}
