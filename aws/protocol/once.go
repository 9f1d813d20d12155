package protocol

import "sync"

// onceEach says for each name once that it is new. It remembers a bounded number of names: those of operations of
// the models, not names that clients make up.
type onceEach struct{ seen sync.Map }

func (o *onceEach) first(name string) bool {
	_, seen := o.seen.LoadOrStore(name, true)
	return !seen
}
