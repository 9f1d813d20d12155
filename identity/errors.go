package identity

import (
	"errors"
	"fmt"
)

// What the room answers when it cannot do what was asked. Callers test with errors.Is and errors.As.
var (
	// ErrUnknownKey says that there is no such access key, that it is not active, or that the token is not its own.
	ErrUnknownKey = errors.New("unknown access key")
	// ErrExpired says that the session is over.
	ErrExpired = errors.New("session has expired")
	// ErrNotAttachable says that there is no such policy, where one was to be attached.
	ErrNotAttachable = errors.New("policy is not there or not attachable")
	// ErrReadOnly says that a policy is one of AWS's own.
	ErrReadOnly = errors.New("policy is AWS's own")
	// ErrTooLarge says that what a session is to carry does not fit into its token.
	ErrTooLarge = errors.New("session token is too large")
	// ErrTag says that a tag of a session is not to be changed, since it was passed on from another.
	ErrTag = errors.New("session tag is inherited")
	// ErrDuration says that a session was to last longer than its role allows.
	ErrDuration = errors.New("session is too long")
)

// NotFoundError says that there is no such thing.
type NotFoundError struct {
	What string // user, group, role, policy, version, inline policy, access key, attachment
	Name string
	Of   string // in what it was looked for, where that is there
}

func (e *NotFoundError) Error() string { return fmt.Sprintf("%s %q not found", e.What, e.Name) }

// ExistsError says that the name is taken, in whatever letters.
type ExistsError struct{ What, Name string }

func (e *ExistsError) Error() string { return fmt.Sprintf("%s %q exists", e.What, e.Name) }

// ConflictError says that something cannot be deleted while something else hangs on it.
type ConflictError struct{ Because Dependent }

// Dependent is what is in the way of a deletion.
type Dependent int

// The dependents.
const (
	AttachedPolicies Dependent = iota
	InlinePolicies
	AccessKeys
	Attachments
	OtherVersions
	Groups  // that a user is a member of
	Members // of a group
	DefaultVersion
)

func (e *ConflictError) Error() string { return "something depends on what was to be deleted" }

// LimitError says that there are as many of something as there may be.
type LimitError struct {
	What  string // as AWS calls it: PoliciesPerRole
	Quota int
}

func (e *LimitError) Error() string { return fmt.Sprintf("more than %d %s", e.Quota, e.What) }

// PolicyError says what is wrong with a policy, in AWS's words.
type PolicyError struct{ Reason string }

func (e *PolicyError) Error() string { return "malformed policy: " + e.Reason }
