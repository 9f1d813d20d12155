package mapping

import "time"

// State is the word that clients read for where a mapping stands.
type State string

// The states. Enabled and Disabled last; the others are transitions that end by themselves.
const (
	Creating  State = "Creating"
	Enabling  State = "Enabling"
	Enabled   State = "Enabled"
	Disabling State = "Disabling"
	Disabled  State = "Disabled"
	Updating  State = "Updating"
	Deleting  State = "Deleting"
	// gone follows Deleting: the mapping is no longer there for anyone, and what was stored of it may be removed.
	gone State = ""
)

// phase is a mapping's place in its life: a transition that lasts until a moment, and the state that follows. What the
// state is follows from the time alone, so that a transition needs no one to end it and goes on across a restart.
type phase struct {
	Passing State     `json:"passing"`
	Until   time.Time `json:"until"`
	Then    State     `json:"then"`
}

// at returns the state at a time.
func (p phase) at(now time.Time) State {
	if now.Before(p.Until) {
		return p.Passing
	}
	return p.Then
}

// inTransition reports whether the mapping takes no change at the time.
func (p phase) inTransition(now time.Time) bool { return now.Before(p.Until) }

// created returns the phase of a new mapping. Also one that is created disabled passes through Creating.
func created(enabled bool, until time.Time) phase {
	return phase{Passing: Creating, Until: until, Then: resting(enabled)}
}

// updated returns the phase after a change; enabled is nil when the change does not speak of it.
func (p phase) updated(enabled *bool, until time.Time) phase {
	next := phase{Passing: Updating, Until: until, Then: p.Then}
	if enabled != nil && resting(*enabled) != p.Then {
		next.Passing, next.Then = Disabling, Disabled
		if *enabled {
			next.Passing, next.Then = Enabling, Enabled
		}
	}
	return next
}

// deleted returns the phase after a deletion.
func deleted(until time.Time) phase { return phase{Passing: Deleting, Until: until, Then: gone} }

func resting(enabled bool) State {
	if enabled {
		return Enabled
	}
	return Disabled
}
