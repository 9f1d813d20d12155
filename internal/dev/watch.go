package dev

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// pace is how long it is from one look at the folders to the next, at least.
	pace = 100 * time.Millisecond
	// ease is how much longer the wait is than the look before it: so looking takes a twentieth of a processor at most, also
	// where there are very many files.
	ease = 20
	// tryAgain is how long a folder waits that could not be applied and has not changed since.
	tryAgain = 5 * time.Second
)

// watch looks at the folders and applies what has changed. It is used by one goroutine.
type watch struct {
	dir     string
	debug   map[string]int // by function, a port or 0
	clients *clients
	out     *output
	folders map[string]*folder
	problem string // of all folders
}

// folder is what is known of one folder.
type folder struct {
	seen    string // its fingerprint at the last look, empty when it was not there
	applied string // the fingerprint that was applied last, with or without success
	made    bool   // there is a function of it
	shown   bool   // that it is ready
	problem string // why it could not be
	again   time.Time
	notes   map[string]bool // that were made already
}

// run watches until the context ends.
func (w *watch) run(ctx context.Context) error {
	ours, err := w.ourFunctions(ctx)
	if err != nil {
		return err
	}
	for _, name := range ours {
		w.folders[name] = &folder{made: true, applied: "an earlier run's"}
	}
	for first := true; ; first = false {
		begun := time.Now()
		seen, err := fingerprints(w.dir)
		took := time.Since(begun)
		if err != nil {
			w.complain(fmt.Sprintf("cannot look at the folders: %v", err))
		} else {
			w.problem = ""
			w.turn(ctx, seen)
			if first {
				w.tellWhatIsMissing(seen)
			}
		}
		timer := time.NewTimer(max(pace, ease*took))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// tellWhatIsMissing says what somebody may have expected to be there.
func (w *watch) tellWhatIsMissing(seen map[string]string) {
	if len(seen) == 0 {
		w.out.say(ownName, "there are no folders in %s yet", w.dir)
	}
	for _, name := range slices.Sorted(maps.Keys(w.debug)) {
		if _, ok := seen[name]; !ok {
			w.out.say(name, "there is no such folder to debug yet")
		}
	}
}

func (w *watch) complain(problem string) {
	if problem != w.problem {
		w.problem = problem
		w.out.say(ownName, "%s", problem)
	}
}

// turn applies what has changed and come to rest: what looks as it did at the look before.
func (w *watch) turn(ctx context.Context, seen map[string]string) {
	for name := range seen {
		if w.folders[name] == nil {
			w.folders[name] = &folder{}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.folders)) {
		f := w.folders[name]
		now := seen[name]
		switch {
		case ctx.Err() != nil:
			return
		case f.seen != now:
			f.seen = now
			continue
		case f.applied == now && (f.problem == "" || time.Now().Before(f.again)):
			continue
		}
		w.applyOrTell(ctx, name, f)
		if now == "" && f.problem == "" {
			delete(w.folders, name)
		}
	}
}

// applyOrTell applies a folder. A problem is told once, until it is another one or gone.
func (w *watch) applyOrTell(ctx context.Context, name string, f *folder) {
	changed := f.applied != f.seen
	f.applied = f.seen
	err := w.apply(ctx, name, f)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		f.problem, f.shown, f.made = "", true, true
		return
	}
	f.again = time.Now().Add(tryAgain)
	if problem := err.Error(); problem != f.problem || changed {
		f.problem = problem
		w.out.say(name, "%s", problem)
	}
}

func (w *watch) apply(ctx context.Context, name string, f *folder) error {
	if f.seen == "" && !functionName.MatchString(name) {
		return nil // it never was a function
	}
	if f.seen == "" {
		return w.remove(ctx, name)
	}
	p, err := w.makePlan(name)
	var code []byte
	if err == nil {
		code, err = p.code(ctx)
	}
	switch {
	case err == nil:
	case f.made:
		return fmt.Errorf("%w\nthe function stays as it was", err)
	case errors.Is(err, errNoFunction):
		return fmt.Errorf("no function: %w", err)
	default:
		return err
	}
	if err := w.applyFunction(ctx, p, code); err != nil {
		return err
	}
	f.made = true
	if p.about != "" {
		w.note(name, "%s", p.about)
	}
	if err := w.applyMappings(ctx, p); err != nil {
		return err
	}
	if !f.shown || f.problem != "" {
		w.out.say(name, "ready: %s", &p)
	}
	return nil
}

// note says something about a function once.
func (w *watch) note(name, format string, a ...any) {
	f := w.folders[name]
	text := fmt.Sprintf(format, a...)
	if f.notes[text] {
		return
	}
	if f.notes == nil {
		f.notes = make(map[string]bool)
	}
	f.notes[text] = true
	w.out.say(name, "%s", text)
}
