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
// state is follows from the time alone, so that a transition needs no one to end it and goes on across a restart. A clock
// that was set back to before its beginning ends it: else it would last until the clock has caught up.
type phase struct {
	Passing State     `json:"passing"`
	Since   time.Time `json:"since,omitzero"` // zero in rows of before it was written down
	Until   time.Time `json:"until"`
	Then    State     `json:"then"`
}

// at returns the state at a time.
func (p phase) at(now time.Time) State {
	if p.inTransition(now) {
		return p.Passing
	}
	return p.Then
}

// inTransition reports whether the mapping takes no change at the time.
func (p phase) inTransition(now time.Time) bool {
	return now.Before(p.Until) && !now.Before(p.Since)
}

// created returns the phase of a new mapping. Also one that is created disabled passes through Creating.
func created(enabled bool, now time.Time, delay time.Duration) phase {
	return phase{Passing: Creating, Since: now, Until: now.Add(delay), Then: resting(enabled)}
}

// updated returns the phase after a change; enabled is nil when the change does not speak of it.
func (p phase) updated(enabled *bool, now time.Time, delay time.Duration) phase {
	next := phase{Passing: Updating, Since: now, Until: now.Add(delay), Then: p.Then}
	if enabled != nil && resting(*enabled) != p.Then {
		next.Passing, next.Then = Disabling, Disabled
		if *enabled {
			next.Passing, next.Then = Enabling, Enabled
		}
	}
	return next
}

// deleted returns the phase after a deletion.
func deleted(now time.Time, delay time.Duration) phase {
	return phase{Passing: Deleting, Since: now, Until: now.Add(delay), Then: gone}
}

func resting(enabled bool) State {
	if enabled {
		return Enabled
	}
	return Disabled
}
