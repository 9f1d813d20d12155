package identity

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/identity/policy"
	"github.com/millrace/millrace/store"
)

// Kind says what an entity is.
type Kind string

// The kinds.
const (
	User Kind = "user"
	Role Kind = "role"
)

// Limits of an account, and of what is in it; AWS's.
const (
	maxEntities   = 5000 // users of an account, and roles
	maxAttached   = 10
	maxInline     = 100 // AWS counts bytes alone
	userBytes     = 2048
	roleBytes     = 10240
	trustBytes    = 2048
	maxTags       = 50
	defaultMaxAge = time.Hour
)

// Name names an entity within an account: ann, or a role.
type Name struct {
	Account string
	Kind    Kind
	Name    string
}

// fold is the name in the letters in which no two may be equal.
func (n Name) fold() Name { n.Name = strings.ToLower(n.Name); return n }

func (n Name) key() string { return store.Key(n.Account, string(n.Kind), n.Name) }

func (n Name) missing() error { return &NotFoundError{What: string(n.Kind), Name: n.Name} }

// Tag is a tag.
type Tag struct{ Key, Value string }

// Entity is a user or a role: what policies are attached to. Its maps and slices are the room's; they are not changed.
type Entity struct {
	Name    `json:"-"`
	Path    string    `json:"path"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`

	// Of roles.
	Trust       string        `json:"trust,omitempty"` // who may assume it, a policy
	Description string        `json:"description,omitempty"`
	MaxAge      time.Duration `json:"maxAge,omitempty"` // of its sessions

	Inline   map[string]string `json:"inline,omitempty"`   // policies by name
	Attached []string          `json:"attached,omitempty"` // ARNs of policies
	Boundary string            `json:"boundary,omitempty"` // ARN of a policy
	Tags     []Tag             `json:"tags,omitempty"`

	trust  *policy.Document
	inline []*policy.Document
}

// ARN returns the entity's Amazon Resource Name.
func (e *Entity) ARN() string {
	return "arn:aws:iam::" + e.Account + ":" + string(e.Kind) + e.Path + e.Name.Name
}

// read parses the policies of an entity. Those that were stored can be read, unless they were made by a newer program.
func (e *Entity) read() error {
	var err error
	if e.Kind == Role {
		if e.trust, err = policy.Parse(e.Trust, policy.Trust); err != nil {
			return &PolicyError{err.Error()}
		}
	}
	e.inline = nil
	for _, name := range slices.Sorted(maps.Keys(e.Inline)) {
		d, err := policy.Parse(e.Inline[name], policy.Identity)
		if err != nil {
			return &PolicyError{err.Error()}
		}
		e.inline = append(e.inline, d)
	}
	return nil
}

// check judges what a client has said of an entity.
func (e *Entity) check() error {
	limit, name := userBytes, "PolicySize"
	if e.Kind == Role {
		limit = roleBytes
		if blackened(e.Trust) > trustBytes {
			return &LimitError{"ACLSizePerRole", trustBytes}
		}
	}
	size := 0
	for _, text := range e.Inline {
		size += blackened(text)
	}
	per := "Per" + strings.ToUpper(string(e.Kind[:1])) + string(e.Kind[1:])
	switch {
	case size > limit:
		return &LimitError{name, limit}
	case len(e.Inline) > maxInline:
		return &LimitError{"InlinePolicies" + per, maxInline}
	case len(e.Attached) > maxAttached:
		return &LimitError{"Policies" + per, maxAttached}
	case len(e.Tags) > maxTags:
		return &LimitError{"Tags" + per, maxTags}
	}
	return e.read()
}

// blackened is the length of a policy without white space, which AWS does not count.
func blackened(text string) int {
	n := len(text)
	for i := range len(text) {
		switch text[i] {
		case ' ', '\t', '\n', '\r':
			n--
		}
	}
	return n
}

// withTags returns the tags with others added, or put in the place of those of the same key.
func withTags(tags, more []Tag) []Tag {
	out := slices.Clone(tags)
	for _, tag := range more {
		i := slices.IndexFunc(out, func(t Tag) bool { return strings.EqualFold(t.Key, tag.Key) })
		if i < 0 {
			out = append(out, tag)
		} else {
			out[i] = tag
		}
	}
	slices.SortFunc(out, func(a, b Tag) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

func withoutTags(tags []Tag, keys []string) []Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return slices.Contains(keys, t.Key) })
}
