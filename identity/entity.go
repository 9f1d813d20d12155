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
	User  Kind = "user"
	Role  Kind = "role"
	Group Kind = "group"
)

// title is the kind as names of quotas have it.
func (k Kind) title() string { return strings.ToUpper(string(k[:1])) + string(k[1:]) }

// Limits of an account, and of what is in it; AWS's.
const (
	maxEntities   = 5000 // users of an account, and roles
	maxGroups     = 300
	maxMemberOf   = 10 // groups of a user
	maxAttached   = 10
	maxInline     = 100 // AWS counts bytes alone
	userBytes     = 2048
	groupBytes    = 5120
	roleBytes     = 10240
	blankBytes    = 128 << 10 // of white space in policies, which AWS does not count
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

// Entity is a user, a group or a role: what policies are attached to. Its maps and slices are the room's; they are not changed.
type Entity struct {
	Name    `json:"-"`
	Path    string    `json:"path"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`

	// Of roles.
	Trust       string        `json:"trust,omitempty"` // who may assume it, a policy
	Description string        `json:"description,omitempty"`
	MaxAge      time.Duration `json:"maxAge,omitempty"` // of its sessions

	// Of users.
	Groups []string `json:"groups,omitempty"` // that it is a member of, by their ids

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
	if e.Kind == Role && blackened(e.Trust) > trustBytes {
		return &LimitError{"ACLSizePerRole", trustBytes}
	}
	limit := map[Kind]int{User: userBytes, Group: groupBytes, Role: roleBytes}[e.Kind]
	size, all := 0, len(e.Trust)
	for _, text := range e.Inline {
		size += blackened(text)
		all += len(text)
	}
	per := "Per" + e.Kind.title()
	switch {
	case size > limit, all > limit+trustBytes+blankBytes:
		return &LimitError{"PolicySize", limit}
	case len(e.Inline) > maxInline:
		return &LimitError{"InlinePolicies" + per, maxInline}
	case len(e.Attached) > maxAttached:
		return &LimitError{"Policies" + per, maxAttached}
	case len(e.Tags) > maxTags:
		return &LimitError{"Tags" + per, maxTags}
	}
	if err := e.read(); err != nil {
		return err
	}
	if e.Kind == Role && !e.trust.OnlyActions("sts:") {
		return &PolicyError{"AssumeRole policy may only specify STS AssumeRole actions."}
	}
	return nil
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
func withTags(tags, more []Tag, same func(a, b string) bool) []Tag {
	out := slices.Clone(tags)
	for _, tag := range more {
		i := slices.IndexFunc(out, func(t Tag) bool { return same(t.Key, tag.Key) })
		if i < 0 {
			out = append(out, tag)
		} else {
			out[i] = tag
		}
	}
	slices.SortFunc(out, func(a, b Tag) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// sameLetters is how keys of tags of managed policies are told apart. Those of users and roles are the same in all letters.
func sameLetters(a, b string) bool { return a == b }

func withoutTags(tags []Tag, keys []string) []Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return slices.Contains(keys, t.Key) })
}
