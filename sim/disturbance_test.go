package sim

import "time"

// disturbance is something that happens to a house. Its name is what the story of a seed calls it.
type disturbance struct {
	name   string
	weight int // against that of the others
	strike func(w *world, h *house)
}

// cure ends a disturbance that lasts.
type cure struct {
	at   time.Time
	name string
	do   func(h *house) bool // whether it was possible; otherwise it is tried again later
}

// disturbances are all there are, by what they disturb.
var disturbances = []disturbance{
	{"functions-fail", 4, functionsFail},
	{"functions-are-slow", 3, functionsAreSlow},
	{"functions-answer-wrongly", 3, functionsAnswerWrongly},
	{"functions-do-not-start", 2, functionsDoNotStart},
	{"function-is-throttled", 2, functionIsThrottled},
	{"function-is-deleted", 2, functionIsDeleted},
	{"function-is-updated", 2, functionIsUpdated},

	{"shard-splits", 5, shardSplits},
	{"shards-merge", 3, shardsMerge},
	{"shard-count-changes", 2, shardCountChanges},
	{"retention-changes", 2, retentionChanges},
	{"encryption-changes", 1, encryptionChanges},
	{"stream-is-made-again", 1, streamIsMadeAgain},

	{"mapping-changes", 6, mappingChanges},
	{"mapping-is-disabled", 3, mappingIsDisabled},
	{"mapping-is-enabled", 3, mappingIsEnabled},
	{"mapping-moves-to-another-function", 2, mappingMoves},
	{"mapping-is-deleted", 1, mappingIsDeleted},
	{"mapping-is-created", 2, mappingIsCreated},

	{"disk-is-slow", 2, diskIsSlow},
	{"disk-is-full", 2, diskIsFull},
	{"disk-fails-to-sync", 2, diskFailsToSync},

	{"power-fails", 4, powerFails},
	{"power-fails-in-the-disk", 6, powerFailsInTheDisk},
	{"power-fails-while-opening", 3, powerFailsWhileOpening},
	{"power-fails-before-an-invocation", 3, powerFailsBeforeAnInvocation},
	{"power-fails-after-an-invocation", 4, powerFailsAfterAnInvocation},
	{"program-restarts", 3, programRestarts},

	{"clock-jumps", 2, clockJumps},
	{"queue-is-gone", 2, queueIsGone},
	{"time-passes", 6, timePasses},
}

// pick chooses one of the seed's disturbances.
func (w *world) pick() disturbance {
	total := 0
	for _, d := range w.chosen {
		total += d.weight
	}
	if total == 0 {
		return disturbance{"time-passes", 1, timePasses}
	}
	n := w.random.IntN(total)
	for _, d := range w.chosen {
		if n -= d.weight; n < 0 {
			return d
		}
	}
	panic("unreachable")
}

// lasting ends a disturbance after a while.
func (w *world) lasting(name string, do func(h *house) bool) {
	d := time.Duration(1+w.random.IntN(15_000)) * time.Millisecond
	w.cures = append(w.cures, cure{at: time.Now().Add(d), name: name, do: do})
}

// cureDue ends what has lasted long enough, or all.
func (w *world) cureDue(h *house, all bool) {
	var left []cure
	for _, c := range w.cures {
		if !all && time.Now().Before(c.at) || !c.do(h) {
			left = append(left, c)
			continue
		}
		w.say("over: %s", c.name)
	}
	w.cures = left
}

func (w *world) chance(percent int) bool { return w.random.IntN(100) < percent }

func timePasses(w *world, _ *house) {
	d := time.Duration(w.random.IntN(20_000)) * time.Millisecond
	w.say("%s pass", d)
	select {
	case <-time.After(d):
	case <-w.house.dead:
	}
}
