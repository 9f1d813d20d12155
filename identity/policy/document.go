package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Document is a policy that has been read. It is not changed afterwards, and may be shared.
type Document struct {
	Version    string
	Statements []Statement
}

// The versions there are. Variables are for the newer one only.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Statement is one statement of a policy. Of each pair with and without Not, one is set at most.
type Statement struct {
	Sid                     string
	Allow                   bool
	Principals              *Principals
	NotPrincipals           *Principals
	Actions, NotActions     []string // in small letters
	Resources, NotResources []string
	conditions              []condition
	variables               bool // ${…} stands for something
}

// Principals are those for whom a statement is.
type Principals struct {
	Everyone  bool
	AWS       []string // ARNs, account ids and "*"
	Services  []string
	Federated []string
}

// Kind is what a policy is for: each has members that the others must not have.
type Kind int

// The kinds.
const (
	Identity Kind = iota // of a user, a group or a role, or that can be attached to one
	Trust                // who may assume a role
	Resource             // of a resource
	Session              // that limits a session
)

// Error says what is wrong with a policy, in IAM's words.
type Error string

// Error returns the text.
func (e Error) Error() string { return string(e) }

// What can be wrong with a policy, beside what names a part of it.
const (
	ErrJSON       = Error("This policy contains invalid Json")
	ErrSyntax     = Error("Syntax errors in policy.")
	ErrNoActions  = Error("Policy statement must contain actions.")
	ErrResources  = Error("Policy statement must contain resources.")
	ErrVendor     = Error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	ErrPrincipal  = Error("Policy document should not specify a principal.")
	ErrProhibited = Error("Has prohibited field Resource")
	ErrNobody     = Error("Missing required field Principal")
	ErrSids       = Error("Statement IDs (SID) in a single policy must be unique.")
	ErrSid        = Error("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
)

// maxDepth bounds how deep a document nests: four levels are all there is to say.
const maxDepth = 10

// Parse reads a policy, or returns an Error.
func Parse(text string, kind Kind) (*Document, error) {
	if !json.Valid([]byte(text)) || depth(text) > maxDepth {
		return nil, ErrJSON
	}
	raw, err := members(json.RawMessage(text), "Version", "Id", "Statement")
	if err != nil {
		return nil, err
	}
	d := &Document{Version: version2008}
	if raw["Version"] != nil {
		if json.Unmarshal(raw["Version"], &d.Version) != nil || d.Version != version2008 && d.Version != version2012 {
			return nil, ErrSyntax
		}
	}
	if raw["Id"] != nil {
		var id string
		if json.Unmarshal(raw["Id"], &id) != nil {
			return nil, ErrSyntax
		}
	}
	all, err := each(raw["Statement"])
	if err != nil || len(all) == 0 {
		return nil, ErrSyntax
	}
	sids := map[string]bool{}
	for _, one := range all {
		s, err := readStatement(one, kind, d.Version == version2012)
		if err != nil {
			return nil, err
		}
		if s.Sid != "" && sids[s.Sid] {
			return nil, ErrSids
		}
		sids[s.Sid] = true
		d.Statements = append(d.Statements, s)
	}
	return d, nil
}

// Nothing is a policy that denies everything: what a policy counts as that was stored and cannot be read.
func Nothing() *Document {
	return &Document{Version: version2012, Statements: []Statement{{Actions: []string{"*"}, Resources: []string{"*"}, Principals: &Principals{Everyone: true}}}}
}

// OnlyActions reports whether all actions that a policy names begin with a prefix, in small letters.
func (d *Document) OnlyActions(prefix string) bool {
	for i := range d.Statements {
		for _, action := range append(slices.Clone(d.Statements[i].Actions), d.Statements[i].NotActions...) {
			if !strings.HasPrefix(action, prefix) {
				return false
			}
		}
	}
	return true
}

// Join returns a policy of the statements of several: it says what any of them says.
func Join(all ...*Document) *Document {
	if len(all) == 1 {
		return all[0]
	}
	joined := &Document{Version: version2012}
	for _, d := range all {
		joined.Statements = append(joined.Statements, d.Statements...)
	}
	return joined
}

// depth is how deep objects and lists are nested in a valid document.
func depth(text string) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// members returns the members of an object. None may be there twice, in whatever letters: what one reader takes, another might
// not. When names are given there may be no others, and in that very spelling.
func members(text json.RawMessage, names ...string) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, ErrSyntax
	}
	all, seen := map[string]json.RawMessage{}, map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, ErrSyntax
		}
		name, _ := token.(string)
		folded := strings.ToLower(name)
		if seen[folded] || len(names) > 0 && !slices.Contains(names, name) {
			return nil, ErrSyntax
		}
		seen[folded] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, ErrSyntax
		}
		all[name] = value
	}
	return all, nil
}

// each returns the elements of a list, or the one thing that stands in its place.
func each(text json.RawMessage) ([]json.RawMessage, error) {
	if len(text) == 0 {
		return nil, nil
	}
	if text[0] != '[' {
		return []json.RawMessage{text}, nil
	}
	var all []json.RawMessage
	err := json.Unmarshal(text, &all)
	return all, err
}

// texts returns the strings of a list, or the one string in its place. Numbers and truth values are written as they are.
func texts(text json.RawMessage) ([]string, error) {
	all, err := each(text)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, one := range all {
		d := json.NewDecoder(bytes.NewReader(one))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case bool, json.Number:
			out = append(out, fmt.Sprint(v))
		default:
			return nil, ErrSyntax
		}
	}
	return out, nil
}

// onlyStrings is texts for members that hold strings alone.
func onlyStrings(text json.RawMessage) ([]string, error) {
	all, err := each(text)
	if err != nil {
		return nil, ErrSyntax
	}
	out := make([]string, len(all))
	for i, one := range all {
		if one[0] != '"' || json.Unmarshal(one, &out[i]) != nil {
			return nil, ErrSyntax
		}
	}
	return out, nil
}
